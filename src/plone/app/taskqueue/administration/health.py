"""How it stands: the workers, the queues, and one sentence that says whether to worry."""

from dataclasses import dataclass
from datetime import datetime
from plone.app.taskqueue import _
from plone.app.taskqueue import clock
from plone.app.taskqueue.administration.access import Access
from plone.app.taskqueue.administration.showing import summary
from plone.app.taskqueue.dispatcher.naming import shown
from plone.app.taskqueue.interfaces import IQueue
from plone.app.taskqueue.interfaces import IQueues
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.readable import reading_error
from plone.app.taskqueue.queue.registry import leases_of
from typing import Any
from ZODB.interfaces import IConnection
from ZODB.TimeStamp import TimeStamp

import math


#: Seconds without a sign of life after which an idle worker is thought to be gone: two
#: of the intervals in which idle workers give one.
SILENT = 1_800.0
#: Seconds for which a job may wait that could run before somebody is told.
LONG = 120.0


@dataclass(frozen=True)
class Health:
    """Whether jobs are run, in a word and in a sentence."""

    #: ``good``, ``warning`` or ``bad``.
    level: str
    #: The sentence, which can be translated.
    text: Any


#: Of a database in which nobody has queued anything.
NEVER_USED = Health(
    "warning",
    _(
        "health_never_used",
        default="No job was ever queued here, and no worker has been started.",
    ),
)


def workers(
    queues: IQueues, connection: IConnection, access: Access
) -> list[dict[str, Any]]:
    """Return the workers that run jobs, and what they are at."""
    return [
        _worker(queues, worker, connection, access)
        for worker in queues.workers.values()
        if worker.runs_jobs
    ]


def _worker(
    queues: IQueues, worker: Any, connection: IConnection, access: Access
) -> dict[str, Any]:
    leases = [lease for _queue, lease in leases_of(queues, worker.id)]
    signs = [worker, *leases]
    seen = max(_written(each) for each in signs)
    jobs = []
    for lease in leases:
        held = lease.held_jobs()
        if held and reading_error(held[0][1]) is None:
            job = held[0][1]
            # What belongs to another site is not named here.
            jobs.append(summary(job, connection) if access.may_see(job) else None)
    return {
        "id": worker.id[:8],
        "host": worker.host,
        "pid": worker.pid,
        "threads": worker.threads,
        "code": worker.code or None,
        "started": clock.as_datetime(min(worker.started, clock.now())),
        "seen": clock.as_datetime(seen),
        "holds": sum(lease.held for lease in leases),
        "silent": clock.now() - seen > SILENT,
        "jobs": [job for job in jobs if job is not None],
        "jobs_elsewhere": sum(job is None for job in jobs),
    }


def _written(obj: Any) -> float:
    obj._p_activate()
    return TimeStamp(obj._p_serial).timeTime()


def queue_states(queues: IQueues, access: Access) -> list[dict[str, Any]]:
    """Return the queues that people of this place have to do with, and their numbers.

    Queues without a service are shared by all sites of the database, and so are these
    numbers.
    """
    return [
        _queue(queue, access) for queue in queues.values() if is_here(queue, access)
    ]


def is_here(queue: IQueue, access: Access) -> bool:
    """Say whether a queue is to be shown: a service's only where the service is."""
    if not queue.private or access.site is None:
        return True
    path = "/".join(["", *queue.service.getServicePath()])
    return path.startswith(f"{access.site}/")


def _queue(queue: IQueue, access: Access) -> dict[str, Any]:
    counts = queue.counts()
    oldest = oldest_waiting(queue)
    service = queue.service if queue.private else None
    return {
        "name": shown(queue.name),
        "title": shown(queue.name)
        if service is None
        else "/".join(["", *service.getServicePath()]).removeprefix(access.site or ""),
        "is_service": service is not None,
        "paused": queue.paused,
        "waiting": counts[State.PENDING] + counts[State.WAITING],
        "running": counts[State.LEASED],
        "scheduled": counts[State.SCHEDULED] + counts.get(State.HELD, 0),
        "completed": counts[State.COMPLETED],
        "failed": counts[State.FAILED],
        "cancelled": counts[State.CANCELLED],
        "oldest": oldest,
        "waiting_for_code": queue.apart(),
    }


def oldest_waiting(queue: IQueue) -> datetime | None:
    """Return since when the job has waited that is next in a lane."""
    found = []
    for lane in queue.lanes():
        job = next((job for _key, job in lane.items()), None)
        if job is not None and reading_error(job) is None:
            found.append(max(job.created, job.begin_after or job.created))
    return min(found, default=None)


def health(queues: IQueues, access: Access) -> Health:
    """Return whether jobs are run, in one sentence."""
    known = [worker for worker in queues.workers.values() if worker.runs_jobs]
    mine = [queue for queue in queues.values() if is_here(queue, access)]
    counts = [queue.counts() for queue in mine]
    waiting = sum(each[State.PENDING] for each in counts)
    running = sum(each[State.LEASED] for each in counts)
    now = clock.now()
    if not known:
        return _without_workers(waiting)
    signs = [_written(worker) for worker in known]
    signs += [
        _written(lease)
        for worker in known
        for _queue, lease in leases_of(queues, worker.id)
    ]
    silence = now - max(signs)
    oldest = min(
        (
            since.timestamp()
            for queue in mine
            if not queue.paused and (since := oldest_waiting(queue)) is not None
        ),
        default=now,
    )
    # Who has nothing to do has nothing to say; with work, silence means something.
    if silence > SILENT or (silence > LONG and now - oldest > LONG):
        return Health("bad", _silent(math.ceil(silence / 60), waiting))
    paused = [shown(queue.name) for queue in mine if queue.paused]
    if paused:
        return Health(
            "warning",
            _(
                "health_paused",
                default="Paused: ${queues}. Jobs that wait, there and elsewhere: ${count}.",
                mapping={"queues": ", ".join(paused), "count": waiting},
            ),
        )
    if now - oldest > LONG:
        return Health(
            "warning",
            _(
                "health_slow",
                default="${running} jobs run, ${count} wait, and the next of them has "
                "waited for ${minutes} minutes.",
                mapping={
                    "running": running,
                    "count": waiting,
                    "minutes": int((now - oldest) // 60),
                },
            ),
        )
    return Health(
        "good",
        _(
            "health_good",
            default="All is well. Workers: ${workers}. Jobs that run: ${running}, jobs "
            "that wait: ${count}.",
            mapping={"workers": len(known), "running": running, "count": waiting},
        ),
    )


def _without_workers(waiting: int) -> Health:
    if not waiting:
        return Health(
            "warning",
            _(
                "health_no_worker",
                default="No worker runs. Jobs that are queued will wait until one is "
                "started.",
            ),
        )
    if waiting == 1:
        text = _(
            "health_no_worker_one_waiting",
            default="No worker runs, and one job waits. Start a worker: jobs are run by "
            "the threads of a process with the setting threads, or by the command "
            "taskqueue worker.",
        )
    else:
        text = _(
            "health_no_worker_waiting",
            default="No worker runs, and ${count} jobs wait. Start one: jobs are run by "
            "the threads of a process with the setting threads, or by the command "
            "taskqueue worker.",
            mapping={"count": waiting},
        )
    return Health("bad", text)


def _silent(minutes: int, waiting: int) -> Any:
    if waiting == 1:
        return _(
            "health_silent_one_waiting",
            default="No worker has reported for ${minutes} minutes; one job waits. Look "
            "whether the worker processes run.",
            mapping={"minutes": minutes},
        )
    return _(
        "health_silent",
        default="No worker has reported for ${minutes} minutes; ${count} jobs wait. Look "
        "whether the worker processes run.",
        mapping={"minutes": minutes, "count": waiting},
    )
