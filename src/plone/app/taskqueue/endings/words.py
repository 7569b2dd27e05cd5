"""What is said of a job that has ended."""

from plone.app.taskqueue import _
from plone.app.taskqueue.administration.titles import title_of
from typing import Any


def sentence_of(summary: dict[str, Any], title: Any = None) -> Any:
    """Return a message: ``summary`` is what ``IAdministration.summary`` returns.

    ``title``: of the job, already in the reader's language.
    """
    mapping = {"title": title_of(summary) if title is None else title}
    if summary["group"] == "failed":
        return _(
            "ending_failed", default="Your job “${title}” has failed.", mapping=mapping
        )
    return _("ending_done", default="Your job “${title}” is done.", mapping=mapping)
