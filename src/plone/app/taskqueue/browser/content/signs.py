"""What an editor is told of the jobs about an object, in one line."""

from collections.abc import Iterable
from datetime import timedelta
from plone.app.taskqueue import clock
from plone.app.taskqueue.administration import JobFilter
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.job.states import State
from typing import Any
from typing import NamedTuple


#: Jobs that are looked at, the newest.
LOOKED_AT = 10
#: For how long a failure is told, and a job that waits.
RECENT = timedelta(days=7)


class Signs(NamedTuple):
    """How many jobs about an object have not ended, and how many have failed."""

    pending: int
    failed: int


def signs_of(admin: IAdministration, context: str) -> Signs:
    """Return what there is to tell of the newest jobs about an object.

    Of those that whoever is logged in may see; ``context`` is its UUID or path.  A job
    that has failed counts for seven days, unless the same has been done since.  So does
    one that waits, from when it is due.
    """
    # What is older is not looked at: it is part of each page, however many jobs there are.
    since = clock.as_datetime(clock.now()) - RECENT
    jobs = admin.newest_jobs(JobFilter(context=context, since=since), LOOKED_AT)
    return Signs(
        pending=sum(1 for job in jobs if job.finished is None),
        failed=sum(1 for _ in _failed(jobs)),
    )


def _failed(newest_first: Iterable[Any]) -> Iterable[Any]:
    told = set()
    for job in newest_first:
        # One that is queued again is told as pending, and what it did before as failed.
        if job.finished is None or job.function_name in told:
            continue
        if job.stored_state in (State.COMPLETED, State.FAILED):
            told.add(job.function_name)
        if job.stored_state is State.FAILED:
            yield job
