"""What can be done to many jobs at once, and the question before it is done."""

from collections.abc import Sequence
from plone.app.taskqueue import _
from plone.app.taskqueue.administration.listing import MOST
from plone.app.taskqueue.browser.controlpanel.table import MARK
from plone.app.taskqueue.interfaces import IAdministration
from typing import Any

import csv
import functools
import io


#: The actions as a person chooses them.
TITLES = {
    "retry": _("action_retry", default="Run again"),
    "cancel": _("action_cancel", default="Cancel"),
    "run_now": _("action_run_now", default="Run now"),
    "delete": _("action_delete", default="Delete"),
}
#: The icon for each, of Bootstrap.
ICONS = {
    "retry": "arrow-repeat",
    "cancel": "x-circle",
    "run_now": "lightning",
    "delete": "trash",
}
#: Jobs that the question names.
_NAMED = 10
#: Bytes of a file of references: a thousand lines of the download.
_LARGEST = 2_000_000


class Choice:
    """Some jobs, what is to be done to them, and to how many of them it can be."""

    def __init__(
        self, admin: IAdministration, action: str, references: Sequence[str], more: bool
    ) -> None:
        self._admin = admin
        self.action = action
        self.title = TITLES[action]
        self.icon = ICONS[action]
        #: Each once, in the order in which they were given.
        self.references = list(dict.fromkeys(references))[:MOST]
        #: True if more jobs fit than are done at once.
        self.more = more

    @functools.cached_property
    def fitting(self) -> list[Any]:
        """The jobs to which it can be done as they stand."""
        return [job for job in self._jobs if self._admin.can(self.action, job)]

    @functools.cached_property
    def _jobs(self) -> list[Any]:
        found = []
        for reference in self.references:
            try:
                found.append(self._admin.job(reference))
            except LookupError:
                continue
        return found

    @property
    def named(self) -> list[dict[str, Any]]:
        """What is said of the first of them."""
        return [self._admin.summary(job) for job in self.fitting[:_NAMED]]

    @property
    def unnamed(self) -> int:
        """How many there are besides."""
        return max(0, len(self.fitting) - _NAMED)

    @property
    def left_out(self) -> int:
        """How many are as they are: not there any more, or not to be changed so."""
        return len(self.references) - len(self.fitting)

    @property
    def given(self) -> str:
        """The references of those that fit, for the form."""
        return " ".join(self._admin.summary(job)["id"] for job in self.fitting)

    def question(self, count: str) -> Any:
        """Return what is asked; ``count`` is how many fit, as people write it."""
        mapping = {"count": count}
        one = len(self.fitting) == 1
        return {
            "retry": _("ask_retry_one", default="Run this job again?")
            if one
            else _("ask_retry", default="Run ${count} jobs again?", mapping=mapping),
            "cancel": _("ask_cancel_one", default="Cancel this job?")
            if one
            else _("ask_cancel", default="Cancel ${count} jobs?", mapping=mapping),
            "run_now": _("ask_run_now_one", default="Run this job now?")
            if one
            else _("ask_run_now", default="Run ${count} jobs now?", mapping=mapping),
            "delete": _("ask_delete_one", default="Delete this job?")
            if one
            else _("ask_delete", default="Delete ${count} jobs?", mapping=mapping),
        }[self.action]


def done_text(action: str, count: str) -> Any:
    """Return the sentence that says to how many it was done."""
    mapping = {"count": count}
    return {
        "retry": _(
            "done_retry", default="Jobs queued again: ${count}.", mapping=mapping
        ),
        "cancel": _(
            "done_cancel", default="Jobs cancelled: ${count}.", mapping=mapping
        ),
        "run_now": _(
            "done_run_now", default="Jobs to be run now: ${count}.", mapping=mapping
        ),
        "delete": _("done_delete", default="Jobs deleted: ${count}.", mapping=mapping),
    }[action]


def refused_text(count: str, refused: Sequence[tuple[str, Any]]) -> Any:
    """Return the sentence that says to how many it was not done, and why not."""
    return _(
        "done_refused",
        default="Jobs left as they are: ${count}. The first because: ${reason}",
        mapping={"count": count, "reason": refused[0][1]},
    )


def references_in(upload: Any) -> list[str]:
    """Return the first column of an uploaded CSV file, without its heading.

    ``ValueError``, with a sentence that can be translated: it is none, or too long.
    """
    if not getattr(upload, "filename", ""):
        raise ValueError(_("error_no_file", default="Choose a CSV file to upload."))
    data = upload.read(_LARGEST + 1)
    try:
        text = data.decode("utf-8-sig")
        # Some spreadsheets write semicolons where the comma is in numbers.
        heading = text.partition("\n")[0]
        delimiter = ";" if ";" in heading and "," not in heading else ","
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except (UnicodeDecodeError, csv.Error):
        raise ValueError(
            _("error_no_csv", default="The file is no CSV in UTF-8.")
        ) from None
    found = [row[0].strip().removeprefix(MARK) for row in rows if row]
    found = [reference for reference in found if reference]
    if found and found[0].lower() == "id":
        del found[0]
    if len(found) > MOST or len(data) > _LARGEST:
        raise ValueError(
            _(
                "error_long_csv",
                default="The file has too many lines: ${most} jobs can be changed at "
                "once.",
                mapping={"most": MOST},
            )
        )
    return found
