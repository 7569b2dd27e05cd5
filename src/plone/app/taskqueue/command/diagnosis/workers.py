"""The workers: which code do they run, do they live, are their clocks right?"""

from collections.abc import Iterator
from plone.app.taskqueue import clock
from plone.app.taskqueue.command.diagnosis.storages import OFFSET
from plone.app.taskqueue.dispatcher.code import own_code
from plone.app.taskqueue.dispatcher.signs import signs_of
from plone.app.taskqueue.queue.registry import leases_of
from typing import Any
from ZODB.TimeStamp import TimeStamp


#: Leases without a sign after which somebody should have taken a worker's jobs.
_SILENCE = 3


def worker_problems(queues: Any, lease_seconds: float) -> Iterator[str]:
    """Yield what is wrong with the workers that are registered."""
    yield from _other_code(queues)
    yield from _other_clocks(queues)
    yield from _silent(queues, lease_seconds)


def name_of(worker: Any) -> str:
    """Return how people find the worker."""
    what = f"worker {worker.id[:8]}" if worker.runs_jobs else "a web server"
    return f"{what} (process {worker.pid} on {worker.host})"


def _other_code(queues: Any) -> Iterator[str]:
    own = own_code()
    found: dict[str, list[str]] = {}
    for worker in queues.workers.values():
        if worker.code not in ("", own):
            found.setdefault(worker.code, []).append(name_of(worker))
    for code, names in sorted(found.items()):
        theirs, mine = code.partition("/")[0], own.partition("/")[0]
        what = (
            f"plone.app.taskqueue {theirs}, and here it is {mine}"
            if theirs != mine
            else "other versions of some distribution, or another release, than here"
        )
        yield (
            f"Other code is run by {', '.join(sorted(names))}: {what}. Deploy the same "
            "code everywhere, and restart what runs the old one."
        )


def _other_clocks(queues: Any) -> Iterator[str]:
    """Compare what a worker's clock said with the time of the commit that wrote it.

    That time is the server's with ZEO and PostgreSQL, and the worker's own where there
    is no server, and then nothing can be wrong.
    """
    told = set()
    for worker in queues.workers.values():
        worker._p_activate()
        if worker.told is None or worker.host in told:
            continue
        ahead = worker.told - TimeStamp(worker._p_serial).timeTime()
        if abs(ahead) > OFFSET:
            told.add(worker.host)
            yield (
                f"The clock of {worker.host} is {abs(ahead):.0f} seconds "
                f"{'ahead of' if ahead > 0 else 'behind'} that of the database: set the "
                "clocks of all machines by NTP. Times that code has read from it are "
                f"too {'late' if ahead > 0 else 'early'}."
            )


def _silent(queues: Any, lease_seconds: float) -> Iterator[str]:
    for worker in queues.workers.values():
        signs, needed = signs_of(queues, worker)
        silence = clock.now() - max(TimeStamp(sign).timeTime() for sign in signs)
        if needed and silence > _SILENCE * lease_seconds:
            held = sum(lease.held for _, lease in leases_of(queues, worker.id))
            yield (
                f"No sign of life came from {name_of(worker)} for {silence:.0f} seconds, "
                f"and it holds {held} jobs: start another worker, which takes them."
            )
