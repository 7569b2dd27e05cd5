"""How long pages take with few jobs and with very many, side by side.

Two Plone sites on FileStorage, each in a process of its own, take turns with the same
requests, which go through Zope's publisher as those of a web server do.
"""

from collections.abc import Callable
from contextlib import ExitStack
from taskqueue_bench.figures import Spread
from taskqueue_bench.processes import Process
from taskqueue_bench.processes import process
from taskqueue_bench.report import Part
from taskqueue_bench.report import Table
from taskqueue_bench.settings import Settings
from taskqueue_bench.site import add_site
from taskqueue_bench.site import Instance
from taskqueue_bench.visiting import fetch
from taskqueue_bench.visiting import fill_with_jobs
from taskqueue_bench.visiting import forget_cache
from typing import Any


_JOBS = "@@taskqueue-jobs"

#: What is asked for, by what it is: the path below the site, ``{one}`` being a job.
PAGES = {
    "overview": "@@taskqueue-controlpanel",
    "jobs": _JOBS,
    "failed": f"{_JOBS}?state=failed",
    "completed": f"{_JOBS}?state=completed",
    "waiting": f"{_JOBS}?state=waiting",
    "oldest first": f"{_JOBS}?state=completed&order=oldest",
    "the last that are listed": f"{_JOBS}?state=completed&b_start=980",
    "of a user with many": f"{_JOBS}?user=editor",
    "of a user with one": f"{_JOBS}?user=hermit",
    "of a user with none": f"{_JOBS}?user=nobody",
    "of a function": f"{_JOBS}?function=plone.app.taskqueue.tests.filling.work:export_page",
    "about an object": f"{_JOBS}?context=/page-1",
    "about an object with one": f"{_JOBS}?context=/page-19",
    "with an error": f"{_JOBS}?error=ValueError",
    "with an error that none has": f"{_JOBS}?error=ZeroDivisionError",
    "with a word": f"{_JOBS}?text=page",
    "with a word that none has": f"{_JOBS}?text=xyzzy",
    "of a day": f"{_JOBS}?since={{day}}&until={{day}}",
    "a job": "@@taskqueue-job?id={one}",
    "failures": "@@taskqueue-failures",
    "my jobs": "@@my-jobs",
    "jobs of an object": "page-1/@@jobs",
    "an object as its editor sees it": "page-1",
    "REST: jobs": "@jobs",
    "REST: jobs of a user": "@jobs?user=hermit",
}


def measure(settings: Settings, say: Callable[[str], None]) -> Part:
    """Return milliseconds by page, with few jobs and with many."""
    with ExitStack() as stack:
        nodes, ones = [], []
        for name, count in (("few", settings.few_jobs), ("many", settings.many_jobs)):
            say(f"pages: filling a site with {count:,} jobs")
            place = Instance(str(settings.directory / name))
            node = stack.enter_context(process(place))
            node.call(add_site)
            ones.append(node.call(fill_with_jobs, count))
            nodes.append(node)
        rows = []
        for name, path in PAGES.items():
            say(f"pages: {name}")
            rows.append({"page": name, **_times(settings, nodes, ones, path)})
    return Part("pages", [_table(settings, rows)], rows)


def _times(
    settings: Settings, nodes: list[Process], ones: list[dict], path: str
) -> dict[str, Any]:
    warm: list[list[float]] = [[], []]
    cold: list[list[float]] = [[], []]
    for node, one in zip(nodes, ones, strict=True):
        node.call(fetch, path.format(**one))
    for _ in range(settings.page_rounds):
        for number, (node, one) in enumerate(zip(nodes, ones, strict=True)):
            warm[number].append(1000 * node.call(fetch, path.format(**one)))
            node.call(forget_cache)
            cold[number].append(1000 * node.call(fetch, path.format(**one)))
            # So that the next one is warm again.
            node.call(fetch, path.format(**one))
    return {
        "few": Spread.of(warm[0]),
        "many": Spread.of(warm[1]),
        "ratio": Spread.of([b / a for a, b in zip(*warm, strict=True)]),
        "few_cold": Spread.of(cold[0]),
        "many_cold": Spread.of(cold[1]),
        "ratio_cold": Spread.of([b / a for a, b in zip(*cold, strict=True)]),
    }


def _table(settings: Settings, rows: list[dict[str, Any]]) -> Table:
    few, many = f"{settings.few_jobs:,}", f"{settings.many_jobs:,}"
    return Table(
        "Pages, with few jobs and with many",
        (
            "page",
            f"ms at {few}",
            f"ms at {many}",
            "times",
            f"cold, ms at {few}",
            f"cold, ms at {many}",
            "times",
        ),
        [
            (
                row["page"],
                f"{row['few'].median:,.0f}",
                f"{row['many'].median:,.0f}",
                row["ratio"].text(),
                f"{row['few_cold'].median:,.0f}",
                f"{row['many_cold'].median:,.0f}",
                row["ratio_cold"].text(),
            )
            for row in rows
        ],
        "Median (quartiles) of the rounds; a Manager, in one thread. Cold: the cache of "
        "the connection was emptied before.",
    )
