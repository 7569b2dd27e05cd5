"""Jobs of ``queueJob`` that do nothing, in a real Plone site.

With a commit and fresh surroundings for each, against those that share both.
"""

from collections.abc import Callable
from plone.app.taskqueue.dispatcher import Options
from taskqueue_bench import raw
from taskqueue_bench import work
from taskqueue_bench.figures import Spread
from taskqueue_bench.processes import Process
from taskqueue_bench.processes import process
from taskqueue_bench.report import Part
from taskqueue_bench.report import Table
from taskqueue_bench.settings import Settings
from taskqueue_bench.site import add_site
from taskqueue_bench.site import Instance
from taskqueue_bench.site import MeteredPloneEnvironment
from taskqueue_bench.site import PAGES
from taskqueue_bench.site import queue_jobs
from typing import Any

import time


_RAW = "taskqueue-bench-raw"
_WARM_UP = 60


def measure(settings: Settings, say: Callable[[str], None]) -> Part:
    """Return the rates for jobs of one page and of several in turn."""
    say("plone: making a site")
    place = Instance(str(settings.directory / "instance"))
    with process(place) as node:
        node.call(add_site)
        node.call(raw.prepare, [_RAW])
        rows = []
        for pages in (1, PAGES):
            say(f"plone: jobs for {pages} page{'s in turn' if pages > 1 else ''}")
            rows.append(_rates(settings, node, pages))
    return Part("plone", [_table(rows)], rows)


def _rates(settings: Settings, node: Process, pages: int) -> dict[str, Any]:
    raws, isolated, grouped, queueing = [], [], [], []
    for _ in range(settings.rounds):
        raws.append(node.call(raw.commits, _RAW, settings.raw_seconds))
        for options, count, rates in (
            (Options(group_seconds=0), settings.plone_isolated_jobs, isolated),
            (Options(), settings.plone_grouped_jobs, grouped),
        ):
            rate, seconds = _work_off(node, options, count, pages)
            rates.append(rate)
            queueing.append(1000 * seconds / count)
    pairs = list(zip(isolated, grouped, raws, strict=True))
    return {
        "pages": pages,
        "raw": Spread.of(raws),
        "isolated": Spread.of(isolated),
        "grouped": Spread.of(grouped),
        "queue_milliseconds": Spread.of(queueing),
        "ratio": Spread.of([together / alone for alone, together, _ in pairs]),
        "isolated_to_raw": Spread.of([alone / rate for alone, _, rate in pairs]),
        "grouped_to_raw": Spread.of([together / rate for _, together, rate in pairs]),
    }


def _work_off(
    node: Process, options: Options, count: int, pages: int
) -> tuple[float, float]:
    """Return jobs per second, and the seconds that queueing them took before."""
    node.call(work.start_worker, options, MeteredPloneEnvironment)
    node.call(queue_jobs, _WARM_UP, pages)
    work.wait_until_done([node], _WARM_UP)
    node.call(work.pause_worker)
    seconds = node.call(queue_jobs, count, pages)
    start = time.monotonic() + 0.05
    node.call(work.resume_worker, start)
    work.wait_until_done([node], count)
    ended = max(when for when, _ in node.call(work.ends))
    node.call(work.stop_worker)
    return count / (ended - start), seconds


def _table(rows: list[dict[str, Any]]) -> Table:
    return Table(
        "Jobs of queueJob that do nothing, in a Plone site on FileStorage",
        (
            "jobs for",
            "raw/s",
            "isolated/s",
            "grouped/s",
            "grouped to isolated",
            "isolated to raw",
            "grouped to raw",
            "ms to queue one",
        ),
        [
            (
                "one page" if row["pages"] == 1 else f"{row['pages']} pages in turn",
                f"{row['raw'].median:,.0f}",
                row["isolated"].text(0),
                row["grouped"].text(0),
                row["ratio"].text(1),
                row["isolated_to_raw"].text(),
                row["grouped_to_raw"].text(),
                row["queue_milliseconds"].text(),
            )
            for row in rows
        ],
        "Median (quartiles) of the rounds, one worker thread, default quota. Isolated: "
        "a commit and fresh surroundings for each job.",
    )
