"""Who did what to jobs and queues, and when: a bounded list in the database."""

from BTrees.LOBTree import LOBTree
from datetime import datetime
from plone.app.taskqueue import clock
from typing import Any
from typing import NamedTuple
from ZODB.interfaces import IConnection

import logging
import random


logger = logging.getLogger("plone.app.taskqueue.audit")

#: Where the entries are in the root of the queues' database.
ROOT_KEY = "plone.app.taskqueue.audit"
#: Entries that are kept; older ones go in portions.
MOST = 10_000
_PORTION = 100
#: Longest text of an entry.
_LONGEST = 500
#: Parts of a second that keys tell, with room for several in one.
_UNITS = 1_000_000


class Entry(NamedTuple):
    """One thing that somebody did."""

    when: datetime
    #: Id of the user; empty for somebody without one.
    user: str
    #: One of the words that ``docs/reference/audit.md`` lists.
    action: str
    #: What it was done to, such as a job's reference or a queue's name.
    subject: str
    #: To how many.
    count: int
    #: Anything else that matters later, such as a reason.
    text: str
    #: Path of the site; empty for the root.
    site: str


def note(
    connection: IConnection,
    site: str | None,
    user: str,
    action: str,
    subject: str = "",
    count: int = 1,
    text: str = "",
) -> None:
    """Write down that somebody did something, in the current transaction.

    The logger ``plone.app.taskqueue.audit`` says it too, at once.
    """
    root = connection.root()
    entries = root.get(ROOT_KEY)
    if entries is None:
        entries = root[ROOT_KEY] = LOBTree()
    values = (user, action, subject[:_LONGEST], count, text[:_LONGEST], site or "")
    key = int(clock.now() * _UNITS)
    while not entries.insert(key, values):
        key += random.randint(1, 1000)
    _drop_old(entries)
    logger.info(
        "%s: %s %s (%d) at %s. %s", user, action, subject, count, site or "/", text
    )


def _drop_old(entries: LOBTree) -> None:
    # The length of a tree costs a walk: so only now and then.
    if random.random() < 1 / _PORTION and (beyond := len(entries) - MOST) > 0:
        for key in list(entries.keys())[:beyond]:
            del entries[key]


def entries_of(
    connection: IConnection, site: str | None, start: int, size: int
) -> tuple[list[Entry], bool]:
    """Return entries of a site, newest first, and whether there are more after them.

    ``None`` is the root, from where all are seen.
    """
    entries = connection.root().get(ROOT_KEY)
    found: list[Entry] = []
    if entries is None:
        return found, False
    seen = 0
    key = entries.maxKey() if entries else None
    while key is not None:
        # Backwards in portions, as trees only go forwards.
        low = key - 24 * 3600 * _UNITS
        portion = list(entries.items(low, key))
        for each, values in reversed(portion):
            if site is not None and values[5] != site:
                continue
            seen += 1
            if seen > start:
                if len(found) == size:
                    return found, True
                found.append(Entry(clock.as_datetime(each / _UNITS), *values))
        try:
            key = entries.maxKey(low - 1)
        except ValueError:
            key = None
    return found, False


def as_dict(entry: Entry) -> dict[str, Any]:
    """Return an entry by names."""
    return entry._asdict()
