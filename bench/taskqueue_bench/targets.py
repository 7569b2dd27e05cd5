"""The figures that the project set out to reach, beside those of this run."""

from collections.abc import Iterator
from taskqueue_bench.report import Part
from taskqueue_bench.report import Table


def targets(parts: list[Part]) -> Table:
    """Return the targets for which this run has a figure."""
    by_name = {part.name: part for part in parts}
    rows = []
    if "commits" in by_name:
        rows += _commits(by_name["commits"])
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
