"""What a worker without jobs costs: share of a core, and bytes in the storage."""

from collections.abc import Callable
from contextlib import ExitStack
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.dispatcher.signs import IDLE_INTERVAL
from plone.app.taskqueue.queue.container import get_queues
from taskqueue_bench import work
from taskqueue_bench.processes import Node
from taskqueue_bench.processes import process
from taskqueue_bench.report import Part
from taskqueue_bench.report import Table
from taskqueue_bench.settings import Settings
from taskqueue_bench.storages import PLACES
from typing import Any

import os
import time


_HOUR = 3600
_WARM_UP = 200
#: Seconds until what follows the last job is over.
_SETTLE = 3.0


def measure(settings: Settings, say: Callable[[str], None]) -> Part:
    """Watch a worker on each storage, both at the same time."""
    say(f"idle: {settings.idle_seconds:.0f} s")
    rows = []
    with ExitStack() as stack:
        watched = {}
        for storage, place_of in PLACES.items():
            place = stack.enter_context(
                place_of(settings.directory / f"idle-{storage}.fs")
            )
            node = stack.enter_context(process(place))
            node.call(work.create_queues)
            node.call(work.start_worker, Options())
            node.call(work.enqueue, _WARM_UP, work.DEFAULT_QUOTA, 10)
            work.wait_until_done([node], _WARM_UP)
            watched[storage] = node, place
        time.sleep(_SETTLE)
        before = {
            storage: (node.call(_cpu_seconds), place.size, time.monotonic())
            for storage, (node, place) in watched.items()
        }
        time.sleep(settings.idle_seconds)
        for storage, (node, place) in watched.items():
            cpu, size, when = before[storage]
            seconds = time.monotonic() - when
            row = {
                "storage": storage,
                "seconds": seconds,
                "cpu_percent": 100 * (node.call(_cpu_seconds) - cpu) / seconds,
                "bytes": place.size - size,
            }
            node.call(work.pause_worker)
            size = place.size
            node.call(_sign_of_life)
            row["sign_bytes"] = place.size - size
            rows.append(row)
            node.call(work.stop_worker)
    return Part("idle", [_table(rows)], rows)


def _table(rows: list[dict[str, Any]]) -> Table:
    return Table(
        "A worker without jobs",
        (
            "storage",
            "seconds",
            "% of a core",
            "CPU s an hour",
            "bytes seen",
            "bytes an hour",
        ),
        [
            (
                row["storage"],
                f"{row['seconds']:.0f}",
                f"{row['cpu_percent']:.2f}",
                f"{row['cpu_percent'] * _HOUR / 100:.1f}",
                f"{row['bytes']:,}",
                f"{_bytes_an_hour(row):,.0f}",
            )
            for row in rows
        ],
        "Of the worker's process, extrapolated to the hour. Bytes an hour are those "
        f"seen, or if more the signs of life due every {IDLE_INTERVAL:.0f} s, which a "
        "minute may not meet: one was written and its bytes counted.",
    )


def _bytes_an_hour(row: dict[str, Any]) -> float:
    seen = row["bytes"] / row["seconds"] * _HOUR
    return max(seen, row["sign_bytes"] * _HOUR / IDLE_INTERVAL)


def _cpu_seconds(node: Node) -> float:
    times = os.times()
    return times.user + times.system


def _sign_of_life(node: Node) -> None:
    """Write the worker's record as its heartbeat does."""
    with node.manager:
        for worker in get_queues(node.connection).workers.values():
            worker.beat()
