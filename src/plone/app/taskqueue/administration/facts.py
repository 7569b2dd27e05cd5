"""Where a job belongs: its site, its object and its user, as far as its record tells.

No object is loaded but the job's own record, so that lists of jobs cost little.
"""

from plone.app.taskqueue.environment.surroundings import Surroundings
from plone.app.taskqueue.interfaces import IAsyncJob
from typing import NamedTuple


class Facts(NamedTuple):
    """What is written down of a job's surroundings."""

    #: Path of its site; ``""`` where it is of none.
    site: str
    #: Path of the object that it is about, and its UUID; ``""`` if there is none.
    context: str
    uuid: str
    #: Path of the user folder and id of the user whose rights it has.
    user: tuple[str, str] | None


_NOTHING = Facts("", "", "", None)


def facts_of(job: IAsyncJob) -> Facts:
    """Return what is written down of a job; of one queued without Plone, nothing."""
    if job.surroundings is None:
        return _NOTHING
    known = Surroundings.unpack(job.surroundings)
    has_context = bool(known.context)
    return Facts(
        site=known.portal,
        context=known.context_path() if has_context else "",
        uuid=(known.context[1] or "") if has_context else "",
        user=known.user_reference(),
    )
