"""How often a commit that queues a job fails, because workers and others change queues.

It never should: the user's own work would have to be done again.
"""

from collections.abc import Callable
from contextlib import ExitStack
from plone.app.taskqueue.dispatcher import Options
from taskqueue_bench import meeting
from taskqueue_bench import work
from taskqueue_bench.processes import process
from taskqueue_bench.report import Part
from taskqueue_bench.report import Table
from taskqueue_bench.settings import Settings
from taskqueue_bench.storages import PLACES
from typing import Any


#: Storage, jobs waiting at the start, processes that queue, processes that work.
CASES = (
    ("FileStorage", 0, 1, 0),
    ("FileStorage", 1_000, 1, 0),
    ("ZEO", 0, 2, 2),
    ("ZEO", 1_000, 2, 2),
    ("PostgreSQL", 0, 2, 2),
    ("PostgreSQL", 1_000, 2, 2),
)


def measure(settings: Settings, say: Callable[[str], None]) -> Part:
    """Queue jobs one by one beside workers, and count commits that fail."""
    rows = []
    for storage, depth, producers, workers in CASES:
        if storage not in PLACES:
            continue
        say(f"conflicts: {storage}, onto {depth:,}")
        path = settings.directory / f"conflicts-{len(rows)}.fs"
        count = settings.conflict_jobs
        with ExitStack() as stack:
            place = stack.enter_context(PLACES[storage](path))
            queuing = [stack.enter_context(process(place)) for _ in range(producers)]
            # On a FileStorage one process does both.
            working = [stack.enter_context(process(place)) for _ in range(workers)]
            working = working or queuing
            queuing[0].call(work.create_queues)
            queuing[0].call(work.fill, depth)
            for node in working:
                node.call(work.start_worker, Options())
            for node in {*queuing, *working}:
                node.call(meeting.forget)
            for node in queuing:
                node.begin(work.enqueue, count // producers, work.NO_QUOTA)
            failed = sum(node.result() for node in queuing)
            work.wait_until_done(working, depth + count // producers * producers)
            all_of_them = sum(
                sum(node.call(meeting.met).values()) for node in {*queuing, *working}
            )
            for node in working:
                node.call(work.stop_worker)
        rows.append(
            {
                "storage": storage,
                "depth": depth,
                "producers": producers,
                "workers": len(working),
                "jobs": count,
                "failed": failed,
                "per_thousand": 1000 * failed / count,
                "of_workers": 1000 * (all_of_them - failed) / (depth + count),
            }
        )
    return Part("conflicts", [_table(rows)], rows)


def _table(rows: list[dict[str, Any]]) -> Table:
    return Table(
        "Commits that queue a job and fail",
        (
            "storage",
            "jobs waiting at the start",
            "producers",
            "workers",
            "commits",
            "failed",
            "of 1,000",
            "workers' conflicts of 1,000 jobs",
        ),
        [
            (
                row["storage"],
                f"{row['depth']:,}",
                f"{row['producers']}",
                f"{row['workers']}",
                f"{row['jobs']:,}",
                f"{row['failed']}",
                f"{row['per_thousand']:.1f}",
                f"{row['of_workers']:.1f}",
            )
            for row in rows
        ],
        "One job for each commit, as fast as they go, beside workers that run them. On "
        "FileStorage producer and worker are threads of one process.",
    )
