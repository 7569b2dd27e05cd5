"""How long a job waits on an idle queue: from its commit to its start and to its end.

The commit is over when its after-commit hooks run, the start is when the job's function
is called, the end is when the worker's own commit has returned.  All three are read from
the monotonic clock, which the processes of one host share.
"""

from collections.abc import Callable
from contextlib import ExitStack
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.job.asyncjob import AsyncJob
from taskqueue_bench import raw
from taskqueue_bench import work
from taskqueue_bench.figures import percentile
from taskqueue_bench.jobs import stamp
from taskqueue_bench.processes import Node
from taskqueue_bench.processes import process
from taskqueue_bench.report import Part
from taskqueue_bench.report import Table
from taskqueue_bench.settings import Settings
from taskqueue_bench.storages import PLACES
from typing import Any

import random
import time


#: Storage, where the job is queued, number of processes.
CASES = (
    ("FileStorage", "in the worker's process", 1),
    ("ZEO", "in the worker's process", 1),
    ("ZEO", "in another process", 2),
    ("PostgreSQL", "in the worker's process", 1),
    ("PostgreSQL", "in another process", 2),
)
#: Jobs that are run before anything is timed.
_WARM_UP = 20
_RAW = "raw0"


def measure(settings: Settings, say: Callable[[str], None]) -> Part:
    """Return the latencies of all cases."""
    rows = []
    for storage, queued, processes in CASES:
        if storage not in PLACES:
            continue
        say(f"latency: {storage}, queued {queued}")
        path = settings.directory / f"latency-{len(rows)}.fs"
        with ExitStack() as stack:
            place = stack.enter_context(PLACES[storage](path))
            nodes = [stack.enter_context(process(place)) for _ in range(processes)]
            producer, worker = nodes[0], nodes[-1]
            producer.call(work.create_queues)
            producer.call(raw.prepare, [_RAW])
            worker.call(work.start_worker, Options())
            producer.call(_queue, _WARM_UP)
            worker.call(work.pause_worker)
            worker.call(work.resume_worker, 0.0)
            committed, raws = producer.call(_queue, settings.latency_jobs)
            work.wait_until_done([worker], settings.latency_jobs)
            started = producer.call(_results, list(committed))
            ended = {job: when for when, ids in worker.call(work.ends) for job in ids}
            worker.call(work.stop_worker)
        starts = [1000 * (started[job] - when) for job, when in committed.items()]
        ends = [1000 * (ended[job] - when) for job, when in committed.items()]
        rows.append(
            {
                "storage": storage,
                "queued": queued,
                "jobs": len(committed),
                "raw_p50": 1000 * percentile(raws, 50),
                "raw_p95": 1000 * percentile(raws, 95),
                "start_p50": percentile(starts, 50),
                "start_p95": percentile(starts, 95),
                "start_p99": percentile(starts, 99),
                "start_max": max(starts),
                "done_p50": percentile(ends, 50),
                "done_p95": percentile(ends, 95),
                "done_p99": percentile(ends, 99),
            }
        )
    return Part("latency", [_table(rows)], rows)


def _table(rows: list[dict[str, Any]]) -> Table:
    return Table(
        "Latency on an idle queue, in milliseconds",
        (
            "storage",
            "queued",
            "raw commit p50",
            "p95",
            "commit to start p50",
            "p95",
            "p99",
            "worst",
            "commit to done p50",
            "p95",
            "p99",
        ),
        [
            (
                row["storage"],
                row["queued"],
                *(
                    f"{row[name]:.2f}"
                    for name in (
                        "raw_p50",
                        "raw_p95",
                        "start_p50",
                        "start_p95",
                        "start_p99",
                        "start_max",
                        "done_p50",
                        "done_p95",
                        "done_p99",
                    )
                ),
            )
            for row in rows
        ],
        f"{rows[0]['jobs']} jobs each, queued one at a time with pauses of 20 to 60 ms, "
        "and a raw commit before each. Between commit and start lies the commit of the "
        "claim. Over ZEO other processes are woken by the server's invalidations, over "
        "PostgreSQL by LISTEN and NOTIFY.",
    )


def _queue(node: Node, count: int) -> tuple[dict[int, float], list[float]]:
    """Queue jobs with pauses.

    Returns by job id when its commit was over, and what raw commits took meanwhile.
    """
    committed: dict[int, float] = {}
    raws = []

    def note(success: bool, job: AsyncJob) -> None:
        if success:
            committed[job.id] = time.monotonic()

    for _ in range(count):
        time.sleep(random.uniform(0.01, 0.03))
        raws.append(raw.one_commit(node, _RAW))
        time.sleep(random.uniform(0.01, 0.03))
        transaction = node.manager.begin()
        job = AsyncJob(stamp)
        # Before the queue's own hook, which wakes the worker.
        transaction.addAfterCommitHook(note, (job,))
        work.default_queue(node).put(job, work.NO_QUOTA)
        node.manager.commit()
    return committed, raws


def _results(node: Node, ids: list[int]) -> dict[int, float]:
    node.manager.begin()
    queue = work.default_queue(node)
    return {job_id: queue.get(job_id).result for job_id in ids}
