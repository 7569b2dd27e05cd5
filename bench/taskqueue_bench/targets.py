"""The figures that the project set out to reach, beside those of this run."""

from collections.abc import Callable
from collections.abc import Iterator
from taskqueue_bench import rivals
from taskqueue_bench import together
from taskqueue_bench import volume
from taskqueue_bench.report import Part
from taskqueue_bench.report import Table


def targets(parts: list[Part]) -> Table:
    """Return the targets for which this run has a figure."""
    rows = [
        row
        for part in parts
        if part.name in _OF_PART
        for row in _OF_PART[part.name](part)
    ]
    return Table("Targets", ("target", "wanted", "seen", "reached"), rows)


Row = tuple[str, str, str, str]

#: Times the raw rate by whether jobs share commits, and by storage.
_RATIOS = {
    ("isolated", "FileStorage"): 0.4,
    ("isolated", "ZEO"): 0.6,
    ("grouped", "FileStorage"): 3.0,
    ("grouped", "ZEO"): 3.0,
    ("grouped", "PostgreSQL"): 10.0,
}
#: Milliseconds by storage, and by where a job is queued.
_LATENCIES = {
    ("FileStorage", "in the worker's process"): 3,
    ("ZEO", "in the worker's process"): 3,
    ("ZEO", "in another process"): 10,
    ("PostgreSQL", "in another process"): 10,
}


def _row(name: str, wanted: str, seen: str, reached: bool) -> Row:
    return name, wanted, seen, "yes" if reached else "no"


def _commits(part: Part) -> Iterator[Row]:
    for row in part.rows:
        ratio = _RATIOS.get((row["commits"], row["storage"]))
        if ratio is not None and row["workers"] == "1 process":
            seen = row["ratio_one"]
            yield _row(
                f"{row['commits']} jobs, {row['storage']}, {row['lane']}: "
                "times the raw rate",
                f"≥ {ratio}",
                seen.text(),
                seen.median >= ratio,
            )


def _rivals(part: Part) -> Iterator[Row]:
    for storage, least in (("ZEO", 4), ("PostgreSQL", 10)):
        fastest = rivals.best(part, storage, "1 process")
        if fastest is None:
            continue
        seen = fastest["grouped"]
        yield _row(
            f"grouped jobs that change an object, {storage}, 1 process: times the best "
            f"other queue, {fastest['queue']}",
            f"≥ {least}",
            seen.text(1),
            seen.median >= least,
        )


def _scaling(part: Part) -> Iterator[Row]:
    for row in part.rows:
        if row["workers"] != 2:
            continue
        seen = row["to_one_worker"]
        yield _row(
            f"2 workers, {row['storage']}, {row['commits']}, {row['lane']}: times 1",
            "≥ 1",
            seen.text(),
            seen.median >= 1,
        )


def _ideal(part: Part) -> Iterator[Row]:
    for row in part.rows:
        seen = row["to_ideal"]
        yield _row(
            f"jobs of 20 ms, {row['storage']}, a job {row['kind']}, {row['workers']} "
            f"worker{'s' if row['workers'] > 1 else ''}: of the ideal",
            "≥ 0.85",
            seen.text(),
            seen.median >= 0.85,
        )


def _together(part: Part) -> Iterator[Row]:
    for row in part.rows:
        if row["beside"] not in together.CONTROLS:
            continue
        where = f"{row['storage']}, beside {row['beside']}"
        for column, to in (
            ("to_alone", "those beside nobody"),
            ("to_control", f"those beside {together.CONTROLS[row['beside']]}"),
        ):
            seen = row[column]
            yield _row(
                f"a producer's transactions, {where}: of {to}",
                "≥ 0.8",
                seen.text(),
                seen.median >= 0.8,
            )
        yield _row(
            f"a producer's transactions that fail, {where}",
            "0",
            f"{row['failed']} of {row['transactions']:,}",
            not row["failed"],
        )


def _conflicts(part: Part) -> Iterator[Row]:
    for row in part.rows:
        yield _row(
            f"commits that queue a job and fail, {row['storage']}, onto "
            f"{row['depth']:,}",
            "0",
            f"{row['failed']} of {row['jobs']:,}",
            not row["failed"],
        )


def _latency(part: Part) -> Iterator[Row]:
    for row in part.rows:
        most = _LATENCIES.get((row["storage"], row["queued"]))
        if most is not None:
            seen = row["start_p95"]
            yield _row(
                f"commit to start p95, {row['storage']}, queued {row['queued']}",
                f"≤ {most} ms",
                f"{seen:.2f} ms",
                seen <= most,
            )


def _volume(part: Part) -> Iterator[Row]:
    for queued in (volume.ONTO_DEEP, volume.BULK):
        seen = part.find(queued=queued, commits="grouped")["all"]
        yield _row(
            f"bytes per grouped job, queued {queued}",
            "≤ 800",
            f"{seen:,.0f}",
            seen <= 800,
        )


def _depth(part: Part) -> Iterator[Row]:
    claims = [row for row in part.rows if row["what"] == "claim"]
    deepest = max(row["depth"] for row in claims)
    for row in claims:
        if row["depth"] != deepest:
            continue
        where = f"a claimed job at {deepest:,}, {row['storage']}, {row['cache']}"
        for column, to, most in (
            ("to_first", f"the cost at {min(r['depth'] for r in claims):,}", 5),
            ("to_raw", "a raw commit", 0.1),
        ):
            seen = row[column]
            yield _row(
                f"{where}: times {to}",
                f"≤ {most}",
                seen.text(3 if most < 1 else 1),
                seen.median <= most,
            )


def _idle(part: Part) -> Iterator[Row]:
    for row in part.rows:
        seen = row["cpu_percent"]
        yield _row(
            f"idle worker, {row['storage']}: share of a core",
            "≤ 1 %",
            f"{seen:.2f} %",
            seen <= 1,
        )


def _plone(part: Part) -> Iterator[Row]:
    for row in part.rows:
        seen = row["ratio"]
        yield _row(
            f"in Plone, jobs for {row['pages']} page{'s' if row['pages'] > 1 else ''}: "
            "times isolated jobs",
            "≥ 3",
            seen.text(1),
            seen.median >= 3,
        )


def _pages(part: Part) -> Iterator[Row]:
    for kind, name in (("ratio", "warm"), ("ratio_cold", "cold")):
        slowest = max(part.rows, key=lambda row: row[kind].median)
        yield _row(
            f"a page with many jobs, {name}, the worst of all "
            f"({slowest['page']}): times with few",
            "≤ 2",
            slowest[kind].text(),
            slowest[kind].median <= 2,
        )


_OF_PART: dict[str, Callable[[Part], Iterator[Row]]] = {
    "commits": _commits,
    "scaling": _scaling,
    "ideal": _ideal,
    "together": _together,
    "rivals": _rivals,
    "latency": _latency,
    "volume": _volume,
    "conflicts": _conflicts,
    "depth": _depth,
    "idle": _idle,
    "plone": _plone,
    "pages": _pages,
}
