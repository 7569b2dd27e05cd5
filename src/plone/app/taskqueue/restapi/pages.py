"""A page of jobs, with the links to the pages before and after it."""

from plone.app.taskqueue.administration.listing import JobPage
from plone.app.taskqueue.restapi.query import Wanted
from plone.batching.batch import Batch
from plone.restapi.batching import HypermediaBatch
from typing import Any


class JobBatch(HypermediaBatch):
    """The links of a page that was found already.

    plone.restapi's own reads sizes from the body of the request too, and cuts the page
    out of a list of everything.
    """

    def __init__(self, request: Any, page: JobPage, wanted: Wanted) -> None:
        self.request = request
        self.b_start = wanted.start
        self.b_size = wanted.size
        self.batch = Batch(range(page.total), wanted.size, wanted.start)


def as_page(
    request: Any, page: JobPage, wanted: Wanted, items: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the page as plone.restapi tells lists, with ``items_more``.

    It says that there are, or may be, more than ``items_total``; a narrower filter
    finds those.
    """
    batch = JobBatch(request, page, wanted)
    found = {
        "@id": batch.canonical_url,
        "items": items,
        "items_total": page.total,
        "items_more": page.more,
    }
    if batch.links:
        found["batching"] = batch.links
    return found
