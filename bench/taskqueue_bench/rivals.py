"""Our queue beside others: each job changes one object and commits, in all of them."""

from collections.abc import Callable
from taskqueue_bench.figures import Spread
from taskqueue_bench.report import Part
from taskqueue_bench.report import Table
from taskqueue_bench.rival.contest import Contest
from taskqueue_bench.rival.contest import GROUPED
from taskqueue_bench.rival.contest import ISOLATED
from taskqueue_bench.rival.contest import Result
from taskqueue_bench.rival.field import QUEUES
from taskqueue_bench.settings import Settings
from taskqueue_bench.storages import PLACES
from typing import Any


#: Storages that several processes share, as all of these queues have workers.
STORAGES = ("ZEO", "PostgreSQL")
WORKERS = (1, 2)


def measure(settings: Settings, say: Callable[[str], None]) -> Part:
    """Return the rates of all queues on all storages."""
    rows: list[dict[str, Any]] = []
    for storage in STORAGES:
        if storage not in PLACES:
            continue
        for workers in WORKERS:
            folder = settings.directory / f"rivals-{storage}-{workers}"
            folder.mkdir()
            text = f"{workers} process{'es' if workers > 1 else ''}"
            say(f"rivals: {storage}, {text}")
            results = Contest(settings, storage, workers, folder).results()
            for result in results:
                if result.failure:
                    say(f"rivals: {result.name} failed: {result.failure}")
            rows += [
                {"storage": storage, "workers": text, **row} for row in _rows(results)
            ]
    return Part("rivals", [_table(rows)], rows)


def best(part: Part, storage: str, workers: str) -> dict[str, Any] | None:
    """Return the row of the fastest other queue there; ``None``: none has a figure."""
    others = [
        row
        for row in part.rows
        if (row["storage"], row["workers"]) == (storage, workers)
        and row["queue"] not in (GROUPED, ISOLATED)
        and not row["failure"]
    ]
    return max(others, key=lambda row: row["rate"].median, default=None)


def _rows(results: list[Result]) -> list[dict[str, Any]]:
    by_name = {result.name: result for result in results}
    versions = {queue.name: queue.version for queue in QUEUES}
    rows = []
    for result in results:
        row: dict[str, Any] = {
            "queue": result.name,
            "version": versions.get(result.name),
            "failure": result.failure,
            "rate": None,
        }
        if not result.failure:
            row["rate"] = Spread.of(result.rates)
            row["raw"] = Spread.of(result.raw)
            row["to_raw"] = _ratio(result.rates, result.raw)
            for name, column in ((GROUPED, "grouped"), (ISOLATED, "isolated")):
                row[column] = _ratio(by_name[name].rates, result.rates)
        rows.append(row)
    return rows


def _ratio(rates: list[float], to: list[float]) -> Spread:
    return Spread.of([one / other for one, other in zip(rates, to, strict=True)])


def _table(rows: list[dict[str, Any]]) -> Table:
    return Table(
        "Jobs that change one object, beside other queues",
        (
            "storage",
            "workers",
            "queue",
            "raw/s",
            "jobs/s",
            "ratio to raw",
            "ours, grouped, to it",
            "ours, isolated, to it",
        ),
        [(row["storage"], row["workers"], _name(row), *_cells(row)) for row in rows],
        "Median (quartiles) of the rounds, in which all take turns. Raw: commits of one "
        "process. Each worker is a process with one thread.",
    )


def _name(row: dict[str, Any]) -> str:
    return f"{row['queue']} {row['version']}" if row["version"] else row["queue"]


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    if row["rate"] is None:
        return "", row["failure"].partition("\n")[0], "", "", ""
    return (
        f"{row['raw'].median:,.0f}",
        row["rate"].text(0),
        row["to_raw"].text(),
        row["grouped"].text(1),
        row["isolated"].text(1),
    )
