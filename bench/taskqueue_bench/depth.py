"""What it costs to claim a job, and what a dispatcher weighs, when many jobs wait.

A claim is timed as the dispatcher makes it, commit included: a batch of jobs into the
lease, those of the claim before into the history.  Cold is with an emptied connection
cache, and on ZEO with an emptied client cache as well.
"""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.dispatcher.bare import BareEnvironment
from plone.app.taskqueue.dispatcher.fairness import Fairness
from plone.app.taskqueue.dispatcher.pace import Pace
from plone.app.taskqueue.dispatcher.seat import Seat
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.workers import Worker
from taskqueue_bench import raw
from taskqueue_bench import work
from taskqueue_bench.figures import Spread
from taskqueue_bench.jobs import noop
from taskqueue_bench.processes import Node
from taskqueue_bench.processes import Process
from taskqueue_bench.processes import process
from taskqueue_bench.report import Part
from taskqueue_bench.report import Table
from taskqueue_bench.settings import Settings
from taskqueue_bench.storages import file_place
from taskqueue_bench.storages import Place
from taskqueue_bench.storages import PLACES
from typing import Any

import threading
import time


#: Jobs that a dispatcher runs before it is weighed.
_WEIGHED_AFTER = 1_000
_RAW = "raw0"
#: Both can open the file that was filled once.
_STORAGES = ("FileStorage", "ZEO")


def measure(settings: Settings, say: Callable[[str], None]) -> Part:
    """Return the price of claims and the memory at all depths."""
    paths = {}
    for depth in settings.depths:
        say(f"depth: queueing {depth:,} jobs")
        paths[depth] = settings.directory / f"depth-{depth}.fs"
        _build(paths[depth], depth)
    claims = []
    memory = []
    for storage in _STORAGES:
        for cold in (False, True):
            say(f"depth: claims on {storage}, {'cold' if cold else 'warm'}")
            claims += _claims(settings, storage, paths, cold)
        for depth, path in paths.items():
            say(f"depth: memory on {storage} at {depth:,}")
            memory.append(_memory(storage, path, depth))
    for path in paths.values():
        path.unlink()
    return Part(
        "depth", [_claims_table(claims), _memory_table(memory)], [*claims, *memory]
    )


def _build(path: Path, depth: int) -> None:
    with file_place(path) as place, process(place) as node:
        node.call(raw.prepare, [_RAW])
        node.call(work.create_queues)
        node.call(work.fill, depth)


# Claims


def _claims(
    settings: Settings, storage: str, paths: dict[int, Path], cold: bool
) -> list[dict[str, Any]]:
    seen: dict[int, list[tuple[float, float, int]]] = {depth: [] for depth in paths}
    with ExitStack() as stack:
        nodes: dict[int, Process] = {}
        for depth, path in paths.items():
            place = stack.enter_context(PLACES[storage](path))
            nodes[depth] = stack.enter_context(process(place))
            nodes[depth].call(_sit_down)
            for _ in range(2):
                nodes[depth].call(_claim, False, settings.raw_seconds / 4)
        for _ in range(settings.claims):
            # Depth by depth, so that noise hits all of them.
            for depth, node in nodes.items():
                seen[depth].append(node.call(_claim, cold, settings.raw_seconds / 4))
        for node in nodes.values():
            node.call(_stand_up)
    first = Spread.of([seconds for seconds, _, _ in seen[settings.depths[0]]]).median
    return [
        {
            "what": "claim",
            "storage": storage,
            "cache": "cold" if cold else "warm",
            "depth": depth,
            "batch": round(Spread.of([float(jobs) for *_, jobs in figures]).median),
            "milliseconds": Spread.of([1000 * seconds for seconds, _, _ in figures]),
            "to_first": Spread.of([seconds / first for seconds, _, _ in figures]),
            "to_raw": Spread.of([seconds / commit for seconds, commit, _ in figures]),
        }
        for depth, figures in seen.items()
    ]


def _sit_down(node: Node) -> None:
    """Take a dispatcher's seat without its threads."""
    worker_id = registry.new_worker_id()
    with node.manager:
        worker = Worker(worker_id, "bench", 0, 1, clock.now())
        registry.register(get_queues(node.connection), worker)
    pace = Pace()
    # Known to be quick, or a claim would take one job only.
    pace.ran(f"{noop.__module__}:{noop.__qualname__}", 0.0001)
    node.kept["worker_id"] = worker_id
    node.kept["seat"] = Seat(
        node.connection,
        lambda: worker_id,
        0,
        BareEnvironment(),
        pace,
        Options(),
        threading.Lock(),
        lambda: False,
        lambda seconds: None,
        Fairness(),
    )


def _stand_up(node: Node) -> None:
    node.kept.pop("seat").close()
    with node.manager:
        registry.unregister(get_queues(node.connection), node.kept["worker_id"])


def _claim(node: Node, cold: bool, raw_seconds: float) -> tuple[float, float, int]:
    """Return seconds for a claimed job, seconds for a raw commit, jobs claimed."""
    commit = 1 / raw.commits(node, _RAW, raw_seconds)
    if cold:
        node.manager.abort()
        node.connection.cacheMinimize()
        if node.place.kind == "ZEO":
            node.db.storage._cache.clear()
    seat = node.kept["seat"]
    start = time.perf_counter()
    claimed = seat.claim()
    seconds = time.perf_counter() - start
    jobs = claimed[1].held
    seat.run(*claimed)
    work.fill(node, jobs)
    return seconds / jobs, commit, jobs


def _claims_table(rows: list[dict[str, Any]]) -> Table:
    return Table(
        "Claiming a job while many wait",
        (
            "storage",
            "cache",
            "jobs waiting",
            "jobs a claim",
            "ms a job",
            "ratio to the lowest depth",
            "ratio to a raw commit",
        ),
        [
            (
                row["storage"],
                row["cache"],
                f"{row['depth']:,}",
                f"{row['batch']}",
                row["milliseconds"].text(3),
                row["to_first"].text(1),
                row["to_raw"].text(3),
            )
            for row in rows
        ],
        "Median (quartiles) of the claims. The depths take turns.",
    )


# Memory


def _memory(storage: str, path: Path, depth: int) -> dict[str, Any]:
    """Weigh a process that has just the database, and then the dispatcher at work."""
    with PLACES[storage](path) as place, process(place) as node:
        before = node.call(_resident)
        node.call(work.start_worker, Options())
        while node.call(work.worked) < min(_WEIGHED_AFTER, depth):
            time.sleep(0.02)
        node.call(work.pause_worker)
        after = node.call(_resident)
        count = _refill(node, place, depth)
        node.call(work.stop_worker)
    return {
        "what": "memory",
        "storage": storage,
        "depth": depth,
        "open": before,
        "working": after,
        "refilled": count,
    }


def _refill(node: Process, place: Place, depth: int) -> int:
    missing = max(0, depth - node.call(work.unfinished))
    node.call(work.fill, missing)
    return missing


def _resident(node: Node) -> float:
    """Return the megabytes of memory that the process has now."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    raise LookupError("VmRSS")


def _memory_table(rows: list[dict[str, Any]]) -> Table:
    return Table(
        "Memory of a dispatcher's process (RSS, MB)",
        ("storage", "jobs waiting", "database opened", "after jobs", "difference"),
        [
            (
                row["storage"],
                f"{row['depth']:,}",
                f"{row['open']:.0f}",
                f"{row['working']:.0f}",
                f"{row['working'] - row['open']:.0f}",
            )
            for row in rows
        ],
        f"After jobs: a dispatcher has run {_WEIGHED_AFTER:,} jobs or more there. A "
        "FileStorage keeps its index of all records in memory, a ZEO client does not.",
    )
