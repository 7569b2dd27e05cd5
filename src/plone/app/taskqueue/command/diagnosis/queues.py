"""The queues: what keeps their jobs from running?"""

from collections.abc import Iterator
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.naming import shown
from plone.app.taskqueue.job import callables
from plone.app.taskqueue.job import taskjob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.claiming import has_room
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.queue.registry import anybody_runs_jobs
from typing import Any

import itertools


#: Jobs of each queue whose functions are looked at.
_LOOKED_AT = 10_000
#: Seconds after which a job should have been claimed where there is room.
_PATIENCE = 10.0


def queue_problems(queues: Any) -> Iterator[str]:
    """Yield what keeps pending jobs from running."""
    for queue in queues.values():
        yield from _stopped(queues, queue)
        yield from _apart(queue)
        yield from _quota_problems(queues, queue)


def called(queue: Any) -> str:
    """Return how people know a queue: those of services by their service."""
    if not queue.private:
        return f"queue {shown(queue.name)}"
    get_path = getattr(queue.service, "getServicePath", list)
    path = "/".join(["", *get_path()])
    return f"task service {path}" if path else f"queue {queue.name}"


def _stopped(queues: Any, queue: Any) -> Iterator[str]:
    waiting = queue.counts()[State.PENDING] - sum(queue.apart().values())
    if not waiting:
        return
    if queue.paused:
        yield (
            f"{waiting} jobs wait in {called(queue)}, which is paused: taskqueue queues "
            f"resume {shown(queue.name)}"
        )
    elif not anybody_runs_jobs(queues):
        yield (
            f"{waiting} jobs wait in {called(queue)}, and no worker runs: start "
            "taskqueue worker, or give a web server threads."
        )
    elif _nobody_comes(queues, queue):
        option = "--services" if queue.private else "--queues"
        yield (
            f"{waiting} jobs wait in {called(queue)}, and no worker that runs has ever "
            f"taken one: let one serve it, see {option} of taskqueue worker."
        )


def _nobody_comes(queues: Any, queue: Any) -> bool:
    if any(lease.worker_id in queues.workers for lease in queue.leases.values()):
        return False
    return any(
        has_room(queue, lane) and _since(lane) > _PATIENCE
        for lane in queue.lanes()
        if len(lane) and lane.function_name is None
    )


def _since(lane: Any) -> float:
    """Return for how many seconds the first job of a lane waits."""
    job = next((job for _, job in lane.items()), None)
    if job is None or reading_error(job) is not None:
        return 0.0
    return clock.now() - job.created.timestamp()


def _apart(queue: Any) -> Iterator[str]:
    for name, count in sorted(queue.apart().items()):
        yield (
            f"{count} jobs of {called(queue)} wait for a worker that has {name}: deploy "
            "its code to one, or cancel them."
        )


def _quota_problems(queues: Any, queue: Any) -> Iterator[str]:
    for name in queue.quotas:
        quota = queue.quotas[name]
        if quota.has_room() or not any(
            len(lane) and name in lane.quota_names for lane in queue.lanes()
        ):
            continue
        dead = [
            lease
            for lease, _ in quota.holders()
            if isinstance(lease, Lease) and lease.worker_id not in queues.workers
        ]
        if dead:
            yield (
                f"Quota {name} of {called(queue)} is full, and {len(dead)} of its "
                f"{quota.size} places are held by workers that are gone: start a worker, "
                "which takes their jobs."
            )


def function_problems(queues: Any) -> Iterator[str]:
    """Yield functions of waiting jobs that cannot be imported here."""
    waiting: dict[str, int] = {}
    for queue in queues.values():
        for job in itertools.islice(queue, _LOOKED_AT):
            if reading_error(job) is None:
                waiting[job.function_name] = waiting.get(job.function_name, 0) + 1
    for name, count in sorted(waiting.items()):
        if name.startswith(taskjob.PREFIX):
            continue
        try:
            callables.resolve(name)
        except LookupError as error:
            yield f"{count} jobs wait that could not be run here. {error}"
