"""Jobs of 20 ms: how near workers come to doing nothing but them.

The ideal is the same calls without a queue, in as many processes at once on the same
cores.  For calls that keep a core busy that is no more with four processes than with
two where there are two cores, and for calls that wait it is twice as much.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from plone.app.taskqueue.dispatcher import Options
from taskqueue_bench import work
from taskqueue_bench.figures import Spread
from taskqueue_bench.jobs import burn
from taskqueue_bench.jobs import rest
from taskqueue_bench.processes import Node
from taskqueue_bench.processes import Process
from taskqueue_bench.processes import process
from taskqueue_bench.report import Part
from taskqueue_bench.report import Table
from taskqueue_bench.settings import Settings
from taskqueue_bench.storages import SHARED_PLACES
from taskqueue_bench.working import work_off
from typing import Any

import time


SECONDS = 0.02
WORKERS = (1, 2, 4)
BUSY = "keeps a core busy"
WAITS = "waits"
#: For so many jobs of a worker there is one of the warm-up before.
_WARM_UP = 10
#: And one call without a queue, before and after.
_CALLS = 3


@dataclass(frozen=True)
class _Seen:
    rate: float
    bare: float
    conflicts: float


def measure(settings: Settings, say: Callable[[str], None]) -> Part:
    """Return for each kind of job the rates beside the ideal."""
    rows = []
    for storage, make in SHARED_PLACES.items():
        path = settings.directory / f"ideal-{storage}"
        with ExitStack() as stack:
            place = stack.enter_context(make(path))
            nodes = [stack.enter_context(process(place)) for _ in range(max(WORKERS))]
            nodes[0].call(work.create_queues)
            calls = {
                BUSY: (burn, (nodes[0].call(_rounds_of, SECONDS),)),
                WAITS: (rest, (SECONDS,)),
            }
            for kind, call in calls.items():
                seen: dict[int, list[_Seen]] = {number: [] for number in WORKERS}
                for turn in range(settings.scaling_rounds):
                    say(f"ideal: {storage}, a job {kind}, round {turn + 1}")
                    for number, mine in seen.items():
                        mine.append(_once(settings, nodes[:number], *call))
                rows += [_row(storage, kind, *item) for item in seen.items()]
    return Part("ideal", [_table(rows)], rows)


def _once(
    settings: Settings,
    workers: list[Process],
    function: Callable[..., Any],
    args: tuple,
) -> _Seen:
    calls = settings.work_jobs // _CALLS + 1
    before = _bare_rate(workers, function, args, calls)
    done = work_off(
        workers,
        Options(),
        settings.work_jobs * len(workers),
        work.NO_QUOTA,
        function,
        args,
        warm_up=settings.work_jobs // _WARM_UP + 1,
    )
    after = _bare_rate(workers, function, args, calls)
    return _Seen(done.steady_rate, (before + after) / 2, done.conflicts_per_thousand)


def _row(storage: str, kind: str, workers: int, seen: list[_Seen]) -> dict[str, Any]:
    return {
        "storage": storage,
        "kind": kind,
        "workers": workers,
        "bare": Spread.of([each.bare for each in seen]),
        "rate": Spread.of([each.rate for each in seen]),
        "to_ideal": Spread.of([each.rate / each.bare for each in seen]),
        "conflicts": Spread.of([each.conflicts for each in seen]),
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    return Table(
        "Jobs of 20 ms, beside the same calls without a queue in as many processes",
        (
            "storage",
            "a job",
            "workers",
            "calls/s without a queue",
            "jobs/s",
            "of the ideal",
            "conflicts of 1,000",
        ),
        [
            (
                row["storage"],
                row["kind"],
                f"{row['workers']}",
                f"{row['bare'].median:,.1f}",
                row["rate"].text(1),
                row["to_ideal"].text(),
                f"{row['conflicts'].median:.1f}",
            )
            for row in rows
        ],
        "Median (quartiles) of the rounds; no quota, default options. Counted until the "
        "first worker has no job left.",
    )


# In a process


def _rounds_of(node: Node, seconds: float) -> int:
    """Return how many rounds of ``burn`` take so long on a core of one's own."""
    probe = 20_000
    best = float("inf")
    for _ in range(50):
        # The time on a core, not that of the clock: others may be busy too.
        start = time.process_time()
        burn(probe)
        best = min(best, time.process_time() - start)
    return round(probe * seconds / best)


def _bare_rate(
    workers: list[Process], function: Callable[..., Any], args: tuple, calls: int
) -> float:
    at = time.monotonic() + 0.05
    for worker in workers:
        worker.begin(_call_often, function, args, calls, at)
    return sum(worker.result() for worker in workers)


def _call_often(
    node: Node, function: Callable[..., Any], args: tuple, calls: int, at: float
) -> float:
    time.sleep(max(0, at - time.monotonic()))
    start = time.perf_counter()
    for _ in range(calls):
        function(*args)
    return calls / (time.perf_counter() - start)
