"""The command."""

from importlib import import_module
from pathlib import Path
from rich.console import Console
from taskqueue_bench import machine
from taskqueue_bench.report import as_json
from taskqueue_bench.report import as_markdown
from taskqueue_bench.report import Part
from taskqueue_bench.report import show
from taskqueue_bench.settings import Settings
from taskqueue_bench.storages import PLACES
from taskqueue_bench.targets import targets

import argparse
import dataclasses
import os
import tempfile
import time


#: Parts in the order in which they are measured: modules of this package.
PARTS = (
    "commits",
    "scaling",
    "ideal",
    "together",
    "rivals",
    "latency",
    "volume",
    "conflicts",
    "depth",
    "idle",
    "plone",
    "pages",
)


def main() -> int:
    """Measure what was asked for and show it."""
    arguments = _arguments()
    console = Console(width=arguments.width)
    console.print(machine.description(), highlight=False)
    if "PostgreSQL" not in PLACES:
        console.print("Not measured is PostgreSQL: apt install postgresql.")
    parts: list[Part] = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory(
        prefix="taskqueue-bench-", dir=arguments.directory
    ) as directory:
        # PostgreSQL runs as a user of its own, who must get to its files.
        os.chmod(directory, 0o711)
        settings = _settings(arguments, Path(directory))
        for name in arguments.only:
            # Only now: the last of them imports Plone, which takes some seconds.
            measure = import_module(f"taskqueue_bench.{name}").measure
            part = measure(settings, lambda text: _say(console, started, text))
            parts.append(part)
            for table in part.tables:
                show(console, table)
            # After each part: one that fails shall not lose the others.
            _write(arguments, settings, parts)
    reached = targets(parts)
    if reached.rows:
        show(console, reached)
    return 0


def _write(
    arguments: argparse.Namespace, settings: Settings, parts: list[Part]
) -> None:
    reached = targets(parts)
    if arguments.json:
        arguments.json.write_text(
            as_json(
                machine=machine.description(),
                settings=settings,
                parts={part.name: part.rows for part in parts},
                targets=[
                    dict(zip(reached.columns, row, strict=True)) for row in reached.rows
                ],
            )
        )
    if arguments.markdown:
        tables = [table for part in parts for table in part.tables]
        text = "\n\n".join(as_markdown(table) for table in [*tables, reached])
        arguments.markdown.write_text(f"{machine.description()}\n\n{text}\n")


def _say(console: Console, started: float, text: str) -> None:
    console.print(f"{time.monotonic() - started:5.0f} s  {text}", style="dim")


def _settings(arguments: argparse.Namespace, directory: Path) -> Settings:
    settings = Settings.quick(directory) if arguments.quick else Settings(directory)
    given = {
        field.name: value
        for field in dataclasses.fields(Settings)
        if (value := getattr(arguments, field.name, None)) is not None
        and field.name != "directory"
    }
    return dataclasses.replace(settings, **given)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, prog="bench/run.py", allow_abbrev=False
    )
    parser.description = (
        "Measure the task queue beside the raw commit rate of the same storage."
    )
    parser.add_argument(
        "--only",
        type=_names,
        default=list(PARTS),
        metavar="PART,...",
        help=f"parts to measure, of {', '.join(PARTS)} (default: all)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, for a look in a few minutes"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures there")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the tables there"
    )
    parser.add_argument(
        "--directory", type=Path, help="where to make storages (default: temporary)"
    )
    parser.add_argument(
        "--width", type=int, help="width of the output (default: the terminal's)"
    )
    for field in dataclasses.fields(Settings):
        if field.name == "directory":
            continue
        kind = _numbers if field.name == "depths" else type(field.default)
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=kind,
            metavar="N,..." if field.name == "depths" else "N",
            help=f"default: {field.default}",
        )
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in PARTS:
            raise argparse.ArgumentTypeError(
                f"{name!r} is not one of {', '.join(PARTS)}"
            )
    return names


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))
