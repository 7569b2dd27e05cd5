"""Jobs as CSV, for spreadsheets."""

from collections.abc import Iterable
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import csv
import io


COLUMNS = (
    "id",
    "state",
    "queue",
    "function",
    "context",
    "user",
    "created",
    "started",
    "finished",
    "seconds",
    "attempts",
    "error_type",
    "error",
)

#: What a reference begins with: a spreadsheet would round a number of so many digits.
MARK = "job-"

#: What makes a spreadsheet take a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(jobs: Iterable[Mapping[str, Any]]) -> bytes:
    """Return a line for each summary of a job, in UTF-8 with a mark that says so.

    Texts that a spreadsheet would take for formulas begin with an apostrophe.
    """
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for job in jobs:
        row = dict(job) | {"id": f"{MARK}{job['id']}"}
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    return stream.getvalue().encode("utf-8-sig", "replace")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
