"""What a part hands back, and how it is shown."""

from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from dataclasses import is_dataclass
from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from typing import Any

import json


@dataclass
class Table:
    """A table of text; columns whose cells begin with a digit are set right."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass
class Part:
    """One part's tables, and the figures behind them."""

    name: str
    tables: list[Table]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def find(self, **wanted: Any) -> dict[str, Any]:
        """Return the row that has these values.  ``LookupError``: none has."""
        for row in self.rows:
            if all(row.get(name) == value for name, value in wanted.items()):
                return row
        raise LookupError(wanted)


def show(console: Console, table: Table) -> None:
    """Print a table for people."""
    rich_table = RichTable(
        title=table.title,
        title_justify="left",
        caption=table.note or None,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for number, name in enumerate(table.columns):
        cells = [row[number] for row in table.rows]
        right = bool(cells) and all(cell[:1].isdigit() for cell in cells)
        rich_table.add_column(name, justify="right" if right else "left")
    for row in table.rows:
        rich_table.add_row(*row)
    console.print(rich_table)


def as_markdown(table: Table) -> str:
    """Return the table as the documentation has it."""
    lines = [
        f"**{table.title}**",
        "",
        "| " + " | ".join(table.columns) + " |",
        "|" + "---|" * len(table.columns),
        *("| " + " | ".join(row) + " |" for row in table.rows),
    ]
    if table.note:
        lines += ["", table.note]
    return "\n".join(lines)


def as_json(**values: Any) -> str:
    """Return the values as JSON; figures become objects."""

    def plain(value: Any) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            return asdict(value)
        return str(value)

    return json.dumps(values, indent=2, default=plain)
