"""What the crash tests of one run came to: printed in the end, and written as JSON.

TASKQUEUE_CRASH_JSON names the file.
"""

from collections.abc import Iterable
from dataclasses import asdict
from dataclasses import dataclass
from typing import Any

import json
import os
import pathlib
import statistics


@dataclass(frozen=True)
class Row:
    """One test: what happened in it, and what its ledger says."""

    test: str
    storage: str
    kills: int
    jobs: int
    lost: int
    repeated: int
    #: For each worker that died with jobs, seconds until others might have them.
    seconds: tuple[float, ...]


_rows: list[Row] = []


def add(row: Row) -> None:
    """Keep what a test came to."""
    _rows.append(row)


def _recovery(seconds: Iterable[float]) -> tuple[str, str]:
    seconds = list(seconds)
    if not seconds:
        return "-", "-"
    return f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}"


def _table(rows: list[Row]) -> list[str]:
    """Return the lines of a table in Markdown."""
    lines = [
        "| storage | test | kills | jobs | lost | repeated | s to recover, median "
        "| worst |",
        "|---|---|---|---|---|---|---|---|",
    ]
    everything = Row(
        "all",
        "",
        sum(row.kills for row in rows),
        sum(row.jobs for row in rows),
        sum(row.lost for row in rows),
        sum(row.repeated for row in rows),
        tuple(each for row in rows for each in row.seconds),
    )
    for row in [*rows, everything]:
        name = row.test.removeprefix("test_").replace("_", " ")
        cells = [row.storage, name, row.kills, row.jobs, row.lost, row.repeated]
        cells += _recovery(row.seconds)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table if workers were killed, and write the file if one is named."""
    rows = [row for row in _rows if row.kills]
    if not rows:
        return
    terminalreporter.section("workers killed")
    for line in _table(rows):
        terminalreporter.write_line(line)
    name = os.environ.get("TASKQUEUE_CRASH_JSON")
    if name:
        figures = [asdict(row) for row in rows]
        pathlib.Path(name).write_text(json.dumps(figures, indent=2) + "\n")
