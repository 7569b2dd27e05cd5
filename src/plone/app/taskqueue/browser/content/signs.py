"""What an editor is told of the jobs about an object, in one line."""

from dataclasses import replace
from datetime import timedelta
from plone.app.taskqueue import clock
from plone.app.taskqueue.administration import JobFilter
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.job.states import State
from typing import NamedTuple


#: Jobs that are looked at, the newest.
LOOKED_AT = 10
_GROUPS = ("running", "waiting", "scheduled", "failed")
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
    wanted = JobFilter(groups=_GROUPS, context=context, since=since)
    jobs = admin.newest_jobs(wanted, LOOKED_AT)
    failed = {
        job.function_name: job
        for job in reversed(jobs)
        if job.stored_state is State.FAILED
    }
    return Signs(
        pending=sum(1 for job in jobs if job.finished is None),
        failed=sum(1 for job in failed.values() if not _was_done(admin, job, wanted)),
    )


def _was_done(admin: IAdministration, job: IAsyncJob, wanted: JobFilter) -> bool:
    """Say whether the same as what failed has been done since."""
    done = replace(
        wanted,
        group="completed",
        function=job.function_name,
        since=job.finished,
    )
    return bool(admin.newest_jobs(done, 1))
