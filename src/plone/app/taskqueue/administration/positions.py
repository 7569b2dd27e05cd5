"""How many jobs are before one that waits: counted as far as anybody cares."""

from collections.abc import Iterable
from itertools import islice
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.states import State


#: Jobs of a queue that are looked at, from its beginning.
MOST = 500


def positions(jobs: Iterable[IAsyncJob]) -> list[tuple[IAsyncJob, int]]:
    """Return, with each of the jobs that is pending, how many jobs are before it.

    At most ``MOST``, which means: that many or more.  No record of a job is loaded beside
    theirs.  Who goes first is decided when a worker claims, and users take turns: so a job
    may be run sooner.
    """
    found = []
    pending = [job for job in jobs if job.state is State.PENDING]
    for queue in dict.fromkeys(job.queue for job in pending):
        left = {id_of(job): job for job in pending if job.queue is queue}
        for number, other in enumerate(islice(queue, MOST)):
            job = left.pop(id_of(other), None)
            if job is not None:
                found.append((job, number))
            if not left:
                break
        found += [(job, MOST) for job in left.values()]
    return found
