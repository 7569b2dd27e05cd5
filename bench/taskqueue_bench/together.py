"""A producer and a consumer of one queue, both as fast as they can.

The producer's transaction changes an object of its own and queues a job, as a user's
does.  Whoever works beside it takes from it what there is only once: cores, and the
storage's turn to commit.  So its rate is taken beside nobody, beside others who do as
much and never touch its queue, and beside a consumer of that queue.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.job.asyncjob import AsyncJob
from taskqueue_bench import meeting
from taskqueue_bench import raw
from taskqueue_bench import work
from taskqueue_bench.figures import percentile
from taskqueue_bench.figures import Spread
from taskqueue_bench.jobs import noop
from taskqueue_bench.processes import Node
from taskqueue_bench.processes import Process
from taskqueue_bench.processes import process
from taskqueue_bench.report import Part
from taskqueue_bench.report import Table
from taskqueue_bench.settings import Settings
from taskqueue_bench.storages import PLACES
from typing import Any
from ZODB.POSException import ConflictError

import threading
import time
import transaction


NOBODY = "nobody"
COMMITTER = "commits without a queue"
ELSEWHERE = "a consumer of another queue, deep"
DEEP = "a consumer of its queue, deep"
KEEPS_UP = "a consumer that keeps up with it"
#: What of that differs only in the queue being the producer's own.
CONTROLS = {DEEP: ELSEWHERE, KEEPS_UP: COMMITTER}
_BESIDE = (NOBODY, COMMITTER, ELSEWHERE, DEEP, KEEPS_UP)

_MINE, _OTHERS, _OTHER_QUEUE = "mine", "others", "other"
#: Jobs that a consumer runs before, to know their function.
_WARM_UP = 50


@dataclass(frozen=True)
class _Seen:
    """What one producer did."""

    rate: float
    #: Milliseconds of its transactions.
    milliseconds: list[float]
    failed: Counter[str]
    #: Jobs that ran meanwhile, in a second.
    consumed: float


def measure(settings: Settings, say: Callable[[str], None]) -> Part:
    """Return the producer's rates on each storage."""
    rows = []
    for storage, place_of in PLACES.items():
        path = settings.directory / f"together-{storage}"
        with ExitStack() as stack:
            place = stack.enter_context(place_of(path))
            producer = stack.enter_context(process(place))
            # On a FileStorage threads of one process do both.
            other = producer
            if storage != "FileStorage":
                other = stack.enter_context(process(place))
            producer.call(work.create_queues, _OTHER_QUEUE)
            producer.call(raw.prepare, [_MINE, _OTHERS])
            seen: dict[str, list[_Seen]] = {beside: [] for beside in _BESIDE}
            for number in range(settings.scaling_rounds):
                say(f"together: {storage}, round {number + 1}")
                for beside, mine in seen.items():
                    mine.append(_once(settings, producer, other, beside))
        alone = [each.rate for each in seen[NOBODY]]
        rows += [_row(storage, beside, mine, alone) for beside, mine in seen.items()]
    for row in rows:
        control = CONTROLS.get(row["beside"])
        if control is not None:
            [its] = [
                each["rates"]
                for each in rows
                if each["storage"] == row["storage"] and each["beside"] == control
            ]
            row["to_control"] = _ratio(row["rates"], its)
    return Part("together", [_table(rows)], rows)


def _once(settings: Settings, producer: Process, other: Process, beside: str) -> _Seen:
    consumes = beside not in (NOBODY, COMMITTER)
    if consumes:
        queue_name = _OTHER_QUEUE if beside == ELSEWHERE else ""
        other.call(work.start_worker, Options(queues=(queue_name or "default",)))
        other.call(work.fill, _WARM_UP, work.NO_QUOTA, noop, (), queue_name)
        other.call(work.pause_worker)
        if beside != KEEPS_UP:
            count = settings.together_jobs
            other.call(work.fill, count, work.NO_QUOTA, noop, (), queue_name)
    start = time.monotonic() + 0.2
    if beside == COMMITTER:
        other.call(_start_to_commit, start)
    elif consumes:
        other.call(_resume_later, start)
    rate, milliseconds, failed = producer.call(
        _produce, start, settings.together_seconds
    )
    until = start + settings.together_seconds
    if beside == COMMITTER:
        other.call(_stop_to_commit)
    consumed = 0
    if consumes:
        ends = other.call(work.ends)
        consumed = sum(len(ids) for when, ids in ends if start < when <= until)
        other.call(work.stop_worker)
    _drain(other)
    return _Seen(rate, milliseconds, failed, consumed / settings.together_seconds)


def _drain(other: Process) -> None:
    other.call(work.start_worker, Options())
    work.wait_until_done([other], 0)
    other.call(work.stop_worker)


def _ratio(rates: list[float], others: list[float]) -> Spread:
    return Spread.of([a / b for a, b in zip(rates, others, strict=True)])


def _row(
    storage: str, beside: str, seen: list[_Seen], alone: list[float]
) -> dict[str, Any]:
    milliseconds = [each for one in seen for each in one.milliseconds]
    failed: Counter[str] = sum((each.failed for each in seen), Counter())
    rates = [each.rate for each in seen]
    return {
        "storage": storage,
        "beside": beside,
        "rates": rates,
        "rate": Spread.of(rates),
        "to_alone": _ratio(rates, alone),
        "p50": percentile(milliseconds, 50),
        "p95": percentile(milliseconds, 95),
        "consumed": Spread.of([each.consumed for each in seen]),
        "transactions": len(milliseconds),
        "failed": failed.total(),
        "failed_by_class": dict(failed),
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    return Table(
        "A producer's transactions, each with a job",
        (
            "storage",
            "beside",
            "transactions/s",
            "of those beside nobody",
            "of those beside the like",
            "ms p50",
            "p95",
            "jobs run/s",
            "failed",
        ),
        [
            (
                row["storage"],
                row["beside"],
                row["rate"].text(0),
                row["to_alone"].text() if row["beside"] != NOBODY else "",
                row["to_control"].text() if "to_control" in row else "",
                f"{row['p50']:.2f}",
                f"{row['p95']:.2f}",
                f"{row['consumed'].median:,.0f}",
                f"{row['failed']} of {row['transactions']:,}",
            )
            for row in rows
        ],
        "Median (quartiles) of the rounds. The like of a consumer of the producer's "
        "queue is one of another queue that is as deep, and of one that keeps up with "
        "the producer somebody who commits without a queue. On FileStorage both are "
        "threads of one process, else processes of their own.",
    )


# In a process


def _produce(
    node: Node, at: float, seconds: float
) -> tuple[float, list[float], Counter[str]]:
    """Commit as often as can be for so long; what failed is counted and done again."""
    milliseconds = []
    failed: Counter[str] = Counter()
    time.sleep(max(0, at - time.monotonic()))
    start = now = time.perf_counter()
    while now < start + seconds:
        try:
            node.manager.begin()
            node.connection.root()[_MINE].value += 1
            work.default_queue(node).put(AsyncJob(noop), work.NO_QUOTA)
            node.manager.commit()
        except ConflictError as error:
            node.manager.abort()
            failed[meeting.class_of(error)] += 1
        before, now = now, time.perf_counter()
        milliseconds.append(1000 * (now - before))
    rate = (len(milliseconds) - failed.total()) / (now - start)
    return rate, milliseconds, failed


def _resume_later(node: Node, at: float) -> None:
    """Let the worker begin at that time, from a thread: the process may produce too."""
    threading.Timer(
        max(0, at - time.monotonic()), node.kept["dispatcher"].resume
    ).start()


def _start_to_commit(node: Node, at: float) -> None:
    """Let a thread commit from then on, on a connection of its own."""
    over = node.kept["over"] = threading.Event()

    def commit() -> None:
        manager = transaction.TransactionManager()
        connection = node.db.open(manager)
        time.sleep(max(0, at - time.monotonic()))
        while not over.is_set():
            manager.begin()
            connection.root()[_OTHERS].value += 1
            manager.commit()
        connection.close()

    node.kept["committer"] = threading.Thread(target=commit)
    node.kept["committer"].start()


def _stop_to_commit(node: Node) -> None:
    node.kept["over"].set()
    node.kept["committer"].join()
