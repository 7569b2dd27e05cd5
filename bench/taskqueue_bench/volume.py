"""How many bytes of storage a job takes: where it is queued, claimed and completed.

Read from the FileStorage afterwards, transaction by transaction, so that everything
which the job caused is counted, headers included.
"""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.leases import Lease
from taskqueue_bench import work
from taskqueue_bench.processes import process
from taskqueue_bench.report import Part
from taskqueue_bench.report import Table
from taskqueue_bench.settings import Settings
from taskqueue_bench.storages import file_place
from typing import Any
from ZODB.FileStorage import FileIterator
from ZODB.utils import get_pickle_metadata


#: Jobs that wait already where the queue is said to be deep.
DEPTH = 1_000
_WARM_UP = 100

KEEPING_UP = "one per commit, worker keeps up"
ONTO_DEEP = f"one per commit, onto {DEPTH:,}"
BULK = "100 per commit"


def measure(settings: Settings, say: Callable[[str], None]) -> Part:
    """Return the bytes of all ways to queue and to complete."""
    rows = []
    for commits in ("grouped", "isolated"):
        options = Options() if commits == "grouped" else Options(group_seconds=0)
        for queued in (KEEPING_UP, ONTO_DEEP, BULK):
            say(f"volume: {queued}, {commits}")
            path = settings.directory / f"volume-{len(rows)}.fs"
            rows.append(
                {
                    "queued": queued,
                    "commits": commits,
                    **_case(settings, path, queued, options),
                }
            )
    return Part("volume", [_table(rows)], rows)


def _table(rows: list[dict[str, Any]]) -> Table:
    names = ("enqueue", "claim", "complete", "other", "all")
    return Table(
        "Bytes of storage for a job that does nothing",
        ("queued", "commits", *names, "producer's conflicts"),
        [
            (
                row["queued"],
                row["commits"],
                *(f"{row[name]:,.0f}" for name in names),
                f"{row['conflicts']} in {row['jobs']:,}",
            )
            for row in rows
        ],
        "Enqueue is the whole transaction that queued, complete the one that ran. "
        "Claim includes what moves finished jobs to the history, other what the worker "
        "does without jobs. Where the queue is deep, completion is of all its jobs.",
    )


def _case(settings: Settings, path: Any, queued: str, options: Options) -> dict:
    count = settings.volume_jobs
    with ExitStack() as stack:
        place = stack.enter_context(file_place(path))
        node = stack.enter_context(process(place))
        node.call(work.create_queues)
        node.call(work.start_worker, options)
        node.call(work.enqueue, _WARM_UP, work.NO_QUOTA, 10)
        work.wait_until_done([node], _WARM_UP)
        node.call(work.pause_worker)
        start = place.size
        completed = count
        if queued == KEEPING_UP:
            node.call(work.resume_worker, 0.0)
            conflicts = node.call(work.enqueue_when_idle, count, work.NO_QUOTA)
        else:
            if queued == ONTO_DEEP:
                node.call(work.fill, DEPTH)
                completed += DEPTH
            start = place.size
            per_commit = 100 if queued == BULK else 1
            conflicts = node.call(work.enqueue, count, work.NO_QUOTA, per_commit)
            node.call(work.resume_worker, 0.0)
        work.wait_until_done([node], completed)
        # Stopping settles what the lease still keeps, which belongs to the price.
        node.call(work.stop_worker)
    sums = dict.fromkeys(("enqueue", "claim", "complete", "other"), 0)
    for kind, size in _transactions(str(path), start):
        sums[kind] += size
    shares = {"enqueue": count}
    row = {kind: size / shares.get(kind, completed) for kind, size in sums.items()}
    return {**row, "all": sum(row.values()), "conflicts": conflicts, "jobs": count}


def _transactions(path: str, start: int) -> Iterator[tuple[str, int]]:
    """Yield what each transaction after ``start`` was for, and its bytes."""
    iterator = FileIterator(path, pos=start)
    try:
        for transaction in iterator:
            kinds = {_class_name(record.data) for record in transaction}
            # The length of a transaction is written once more behind it.
            yield _purpose(kinds), transaction._tend - transaction._tpos + 8
    finally:
        iterator.close()


def _class_name(data: bytes) -> str:
    return get_pickle_metadata(data)[1]


def _purpose(kinds: set[str]) -> str:
    if AsyncJob.__name__ in kinds:
        return "complete" if Lease.__name__ in kinds else "enqueue"
    return "claim" if Lease.__name__ in kinds else "other"
