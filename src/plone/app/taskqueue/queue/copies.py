"""Copies of services: their jobs are the original's, and must not run twice.

A site that was copied, pasted or imported brings its services with it, with all that
their queues hold and with the leases of workers that never heard of them.  Before
anybody uses such a queue it is made one of its own:

- Cron jobs stay and are disabled, for the original runs them.
- Jobs that are to be started later stay as they are: nothing runs them unasked.
- All others that have not ended are cancelled.  The original runs them too; they stay
  visible, so that whoever wants one run twice can see what it was, and go in their time.
- What has ended can be read as before.
"""

from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.cronjob import CronJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.abandoning import abandon
from typing import Any

import logging
import transaction


logger = logging.getLogger("plone.app.taskqueue")


def adopt(queue: Any) -> None:
    """Make a copy of a service's queue a queue of its own.

    Costs what there is that has not ended.  If that changed a job, one line in the log
    tells of it when the transaction has committed.
    """
    queue.become_own()
    cancelled = abandon(queue, _is_taken_along)
    kept = [job for _, room, _ in queue.further_rooms() for _, job in room.items()]
    kept += [job for _, job in queue.schedule.items()]
    disabled = 0
    for job in kept:
        job.queue_name = queue.name
        if isinstance(job, CronJob):
            job.forget_runs()
            disabled += job.disable()
            transitions.rest(queue, job, queue.resting)
    if not disabled and not cancelled:
        return
    _tell_when_committed(
        queue,
        "The service %s is a copy. %d of its cron jobs were disabled: "
        "service.enable(jobid) lets one run here as well. %d jobs that had not ended were "
        "cancelled: the original runs them.",
        ".".join(queue.service.getServicePath()) or queue.name,
        disabled,
        cancelled,
    )


def _is_taken_along(job: AsyncJob) -> bool:
    if isinstance(job, CronJob):
        return job.recurs and job.stored_state is State.PENDING
    return job.stored_state is State.HELD


def _tell_when_committed(queue: Any, message: str, *args: Any) -> None:
    def tell(success: bool) -> None:
        if success:
            logger.warning(message, *args)

    jar = queue._p_jar
    manager = transaction.manager if jar is None else jar.transaction_manager
    manager.get().addAfterCommitHook(tell)
