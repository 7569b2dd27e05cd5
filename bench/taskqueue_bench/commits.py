"""How many jobs that do nothing are worked off in a second, beside raw commits.

Raw rounds and ours alternate, so that whatever else the machine does hits both.  A
ratio relates our rate to the mean of the raw rates right before and right after it.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from plone.app.taskqueue.dispatcher import Options
from taskqueue_bench import raw
from taskqueue_bench import work
from taskqueue_bench.figures import Spread
from taskqueue_bench.processes import process
from taskqueue_bench.report import Part
from taskqueue_bench.report import Table
from taskqueue_bench.settings import Settings
from taskqueue_bench.storages import Place
from taskqueue_bench.storages import PLACES
from taskqueue_bench.working import work_off
from typing import Any


@dataclass(frozen=True)
class Case:
    """One row for each number of workers."""

    commits: str
    lane: str

    @property
    def quotas(self) -> tuple[str, ...]:
        return work.DEFAULT_QUOTA if self.lane == "default quota" else work.NO_QUOTA

    def options(self, threads: int) -> Options:
        if self.commits == "isolated":
            return Options(threads=threads, group_seconds=0)
        return Options(threads=threads)

    def jobs(self, settings: Settings, workers: int) -> int:
        count = (
            settings.isolated_jobs
            if self.commits == "isolated"
            else settings.grouped_jobs
        )
        return count * workers


CASES = [
    Case(commits, lane)
    for lane in ("no quota", "default quota")
    for commits in ("isolated", "grouped")
]


@dataclass(frozen=True)
class Layout:
    """Who works: processes, and threads in each."""

    storage: str
    processes: int
    threads: int

    @property
    def workers(self) -> int:
        return self.processes * self.threads

    def text(self) -> str:
        if self.threads > 1:
            return f"1 process, {self.threads} threads"
        return f"{self.processes} process{'es' if self.processes > 1 else ''}"


#: A FileStorage can be opened by one process only, so a second worker is a thread there.
#: For more processes see ``scaling``.
LAYOUTS = [
    Layout("FileStorage", 1, 1),
    Layout("FileStorage", 1, 2),
    Layout("ZEO", 1, 1),
    Layout("PostgreSQL", 1, 1),
]


def measure(settings: Settings, say: Callable[[str], None]) -> Part:
    """Return the rates of all cases and layouts."""
    rows = []
    for layout in LAYOUTS:
        if layout.storage not in PLACES:
            continue
        say(f"commits: {layout.storage}, {layout.text()}")
        path = settings.directory / f"commits-{len(rows)}.fs"
        with PLACES[layout.storage](path) as place:
            rows += _layout(settings, layout, place)
    table = Table(
        "Jobs that do nothing, beside raw one-object commits",
        (
            "storage",
            "workers",
            "lane",
            "commits",
            "raw/s, 1 worker",
            "jobs/s",
            "ratio to raw of 1 worker",
            "ratio to raw of as many",
        ),
        [
            (
                row["storage"],
                row["workers"],
                row["lane"],
                row["commits"],
                f"{row['raw_one'].median:,.0f}",
                row["rate"].text(0),
                row["ratio_one"].text(),
                row["ratio_all"].text(),
            )
            for row in rows
        ],
        "Median (quartiles) of the rounds. Isolated: one commit for each job. "
        "As many: raw commits of as many processes or threads at once, each changing "
        "an object of its own.",
    )
    return Part("commits", [table], rows)


def _layout(settings: Settings, layout: Layout, place: Place) -> list[dict[str, Any]]:
    names = [f"raw{number}" for number in range(layout.workers)]
    with ExitStack() as stack:
        workers = [stack.enter_context(process(place)) for _ in range(layout.processes)]
        workers[0].call(raw.prepare, names)
        workers[0].call(work.create_queues)

        def raw_rates() -> tuple[float, float]:
            one = workers[0].call(raw.commits, names[0], settings.raw_seconds)
            if layout.workers == 1:
                return one, one
            call = workers[0].call
            return one, call(raw.commits_in_threads, names, settings.raw_seconds)

        seen: dict[Case, list[tuple[float, float, float]]] = {
            case: [] for case in CASES
        }
        raw_rates()
        for _ in range(settings.rounds):
            before = raw_rates()
            for case in CASES:
                rate = work_off(
                    workers,
                    case.options(layout.threads),
                    case.jobs(settings, layout.workers),
                    case.quotas,
                    threads=layout.threads,
                ).rate
                after = raw_rates()
                seen[case].append(
                    (rate, (before[0] + after[0]) / 2, (before[1] + after[1]) / 2)
                )
                before = after
    return [
        {
            "storage": layout.storage,
            "workers": layout.text(),
            "lane": case.lane,
            "commits": case.commits,
            "rate": Spread.of([rate for rate, _, _ in figures]),
            "raw_one": Spread.of([one for _, one, _ in figures]),
            "raw_all": Spread.of([as_many for _, _, as_many in figures]),
            "ratio_one": Spread.of([rate / one for rate, one, _ in figures]),
            "ratio_all": Spread.of([rate / as_many for rate, _, as_many in figures]),
        }
        for case, figures in seen.items()
    ]
