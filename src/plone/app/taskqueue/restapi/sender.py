"""Whether a request that changes something may come from a page of another site.

plone.restapi needs no token of plone.protect, and neither do these services: a browser
sends a form, or a request of a script that nobody has agreed to, only with the content
types of forms, or without a body, and tells then from where it comes.  Whatever else a
page of another site wants to send, the browser asks the CORS policy first.  The header
``Accept``, and the ``++api++`` that stands for it, prove nothing: any page may use them.
"""

from http import HTTPStatus
from plone.app.taskqueue.restapi.problems import ProblemError
from plone.protect.interfaces import IDisableCSRFProtection
from typing import Any
from urllib.parse import urlsplit
from zope.interface import alsoProvides


_JSON = "application/json"
_PORTS = {"http": 80, "https": 443}
#: Methods that browsers send to other sites without asking.
_UNASKED = ("GET", "HEAD", "POST")


def check_sender(request: Any) -> None:
    """Let the request write without a token, if no page of another site can send it.

    ``ProblemError``: one could.
    """
    environ = request.environ
    media_type = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type != _JSON:
        if media_type or environ.get("CONTENT_LENGTH") not in (None, "", "0"):
            raise ProblemError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"Send the content type {_JSON}, and JSON or nothing as the body.",
            )
        if environ["REQUEST_METHOD"] in _UNASKED and not _is_from_here(request):
            raise ProblemError(
                HTTPStatus.FORBIDDEN,
                "This was sent by a page of another site. Programs that run in such a "
                f"page have to send the content type {_JSON}, and the site has to "
                "allow it by its CORS policy.",
            )
    alsoProvides(request, IDisableCSRFProtection)


def _is_from_here(request: Any) -> bool:
    origin = request.environ.get("HTTP_ORIGIN")
    return origin is None or _server(origin) == _server(request["SERVER_URL"])


def _server(url: str) -> tuple:
    """Return scheme, host and port, which addresses leave out where it is the usual."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return (url,)
