"""Until when a user has been told of jobs that ended: a cookie, so that looking at a page
writes nothing to the database.
"""

from datetime import datetime
from datetime import timedelta
from hashlib import sha256
from plone.app.taskqueue import clock
from plone.app.taskqueue.endings.wishes import User
from typing import Any
from urllib.parse import urlsplit


#: Name of the cookie.
NAME = "taskqueue-told"
#: For how long it is told that a job has ended, where nobody knows that it was.
LONGEST = timedelta(days=1)

_SECONDS = int(LONGEST.total_seconds())


def told_until(request: Any, user: User) -> datetime:
    """Return when the last job ended that the user was told of in this browser.

    At most a day ago.  What the browser says is not trusted: it decides what its own user
    is told, and nothing else.
    """
    earliest = clock.as_datetime(clock.now()) - LONGEST
    whose, _, number = str(request.cookies.get(NAME, "")).partition("-")
    if whose != _digest(user) or not (number.isascii() and number.isdigit()):
        return earliest
    if len(number) > 18:
        return earliest
    try:
        return max(earliest, clock.as_datetime(int(number) / 1_000_000))
    except (OverflowError, ValueError):
        return earliest


def tell_until(request: Any, site_url: str, user: User, until: datetime) -> None:
    """Let the browser know that its user has been told of all that ended until then."""
    number = round(until.timestamp() * 1_000_000)
    address = urlsplit(site_url)
    request.response.setCookie(
        NAME,
        f"{_digest(user)}-{number}",
        path=address.path or "/",
        max_age=_SECONDS,
        http_only=True,
        same_site="Lax",
        secure=address.scheme == "https",
    )


def _digest(user: User) -> str:
    # Two users of one browser: neither learns who the other one is.
    return sha256("\n".join(user).encode()).hexdigest()[:16]
