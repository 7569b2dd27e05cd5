"""What more worker processes bring: 1, 2 and 4 of them, over ZEO and over PostgreSQL.

All numbers of workers take turns within a round, each between raw commits of its own.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from taskqueue_bench import raw
from taskqueue_bench import work
from taskqueue_bench.commits import Case
from taskqueue_bench.figures import Spread
from taskqueue_bench.processes import Process
from taskqueue_bench.processes import process
from taskqueue_bench.report import Part
from taskqueue_bench.report import Table
from taskqueue_bench.settings import Settings
from taskqueue_bench.storages import SHARED_PLACES
from taskqueue_bench.working import work_off
from typing import Any


#: What is queued, and how many processes work it off.
CASES = (
    (Case("isolated", "no quota"), (1, 2, 4)),
    (Case("grouped", "no quota"), (1, 2, 4)),
    (Case("isolated", "default quota"), (1, 2)),
    (Case("grouped", "default quota"), (1, 2)),
)
_MOST = max(workers for _, numbers in CASES for workers in numbers)
_NAMES = [f"raw{number}" for number in range(_MOST)]


@dataclass(frozen=True)
class _Seen:
    rate: float
    conflicts: float
    raw_one: float
    raw_all: float


def measure(settings: Settings, say: Callable[[str], None]) -> Part:
    """Return the rates of all cases and numbers of workers."""
    rows = []
    for storage, make in SHARED_PLACES.items():
        path = settings.directory / f"scaling-{storage}"
        with ExitStack() as stack:
            place = stack.enter_context(make(path))
            nodes = [stack.enter_context(process(place)) for _ in range(_MOST)]
            nodes[0].call(raw.prepare, _NAMES)
            nodes[0].call(work.create_queues)
            rounds = []
            for number in range(settings.scaling_rounds):
                say(f"scaling: {storage}, round {number + 1}")
                rounds.append(_round(settings, nodes))
            rows += _rows(storage, rounds)
    return Part("scaling", [_table(rows)], rows)


def _round(settings: Settings, nodes: list[Process]) -> dict[tuple[Case, int], _Seen]:
    seen = {}
    for case, numbers in CASES:
        for number in numbers:
            workers = nodes[:number]
            before = _raw_rates(settings, workers)
            done = work_off(
                workers, case.options(1), case.jobs(settings, number), case.quotas
            )
            after = _raw_rates(settings, workers)
            seen[case, number] = _Seen(
                done.rate,
                done.conflicts_per_thousand,
                (before[0] + after[0]) / 2,
                (before[1] + after[1]) / 2,
            )
    return seen


def _raw_rates(settings: Settings, workers: list[Process]) -> tuple[float, float]:
    one = workers[0].call(raw.commits, _NAMES[0], settings.raw_seconds)
    if len(workers) == 1:
        return one, one
    names = _NAMES[: len(workers)]
    return one, raw.commits_in_processes(workers, names, settings.raw_seconds)


def _rows(
    storage: str, rounds: list[dict[tuple[Case, int], _Seen]]
) -> list[dict[str, Any]]:
    rows = []
    for case, numbers in CASES:
        for workers in numbers:
            mine = [seen[case, workers] for seen in rounds]
            alone = [seen[case, 1] for seen in rounds]
            rows.append(
                {
                    "storage": storage,
                    "lane": case.lane,
                    "commits": case.commits,
                    "workers": workers,
                    "raw_one": Spread.of([each.raw_one for each in mine]),
                    "raw_all": Spread.of([each.raw_all for each in mine]),
                    "rate": Spread.of([each.rate for each in mine]),
                    "ratio_one": Spread.of([each.rate / each.raw_one for each in mine]),
                    "ratio_all": Spread.of([each.rate / each.raw_all for each in mine]),
                    "to_one_worker": Spread.of(
                        [
                            each.rate / one.rate
                            for each, one in zip(mine, alone, strict=True)
                        ]
                    ),
                    "conflicts": Spread.of([each.conflicts for each in mine]),
                }
            )
    return rows


def _table(rows: list[dict[str, Any]]) -> Table:
    return Table(
        "Jobs that do nothing, worked off by several processes",
        (
            "storage",
            "lane",
            "commits",
            "workers",
            "raw/s of 1",
            "of as many",
            "jobs/s",
            "times raw of 1",
            "times raw of as many",
            "times 1 worker",
            "conflicts of 1,000",
        ),
        [
            (
                row["storage"],
                row["lane"],
                row["commits"],
                f"{row['workers']}",
                f"{row['raw_one'].median:,.0f}",
                f"{row['raw_all'].median:,.0f}",
                row["rate"].text(0),
                row["ratio_one"].text(),
                row["ratio_all"].text(),
                row["to_one_worker"].text() if row["workers"] > 1 else "",
                f"{row['conflicts'].median:.1f}",
            )
            for row in rows
        ],
        "Median (quartiles) of the rounds. Conflicts are commits of workers that met "
        "another's and failed, for each 1,000 jobs; such a claim is made again, and the "
        "jobs of such a commit run again.",
    )
