"""The figures that the project set out to reach, beside those of this run."""

from collections.abc import Iterator
from taskqueue_bench import volume
from taskqueue_bench.report import Part
from taskqueue_bench.report import Table


def targets(parts: list[Part]) -> Table:
    """Return the targets for which this run has a figure."""
    by_name = {part.name: part for part in parts}
    rows = []
    if "commits" in by_name:
        rows += _commits(by_name["commits"])
    if "latency" in by_name:
        rows += _latency(by_name["latency"])
    if "volume" in by_name:
        rows += _volume(by_name["volume"])
    if "depth" in by_name:
        rows += _depth(by_name["depth"])
    if "idle" in by_name:
        rows += _idle(by_name["idle"])
    if "plone" in by_name:
        rows += _plone(by_name["plone"])
    return Table("Targets", ("target", "wanted", "seen", "reached"), rows)


Row = tuple[str, str, str, str]


def _row(name: str, wanted: str, seen: str, reached: bool) -> Row:
    return name, wanted, seen, "yes" if reached else "no"


def _commits(part: Part) -> Iterator[Row]:
    least = {
        ("isolated", "FileStorage"): 0.4,
        ("isolated", "ZEO"): 0.6,
        ("grouped", "FileStorage"): 3.0,
        ("grouped", "ZEO"): 3.0,
    }
    for (commits, storage), ratio in least.items():
        for lane in ("no quota", "default quota"):
            row = part.find(
                storage=storage, commits=commits, lane=lane, workers="1 process"
            )
            seen = row["ratio_one"]
            yield _row(
                f"{commits} jobs, {storage}, {lane}: times the raw rate",
                f"≥ {ratio}",
                seen.text(),
                seen.median >= ratio,
            )


def _latency(part: Part) -> Iterator[Row]:
    for most, storage, queued in (
        (3, "FileStorage", "in the worker's process"),
        (3, "ZEO", "in the worker's process"),
        (10, "ZEO", "in another process"),
    ):
        seen = part.find(storage=storage, queued=queued)["start_p95"]
        yield _row(
            f"commit to start p95, {storage}, queued {queued}",
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
