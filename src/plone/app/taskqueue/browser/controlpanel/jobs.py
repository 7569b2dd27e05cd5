"""The tab that lists jobs, finds them, and does something to many of them."""

from plone.app.taskqueue import _
from plone.app.taskqueue.administration import GROUPS
from plone.app.taskqueue.administration.access import CHANGE_JOBS
from plone.app.taskqueue.administration.access import DELETE_JOBS
from plone.app.taskqueue.administration.listing import JobPage
from plone.app.taskqueue.administration.listing import MOST
from plone.app.taskqueue.browser.controlpanel import choosing
from plone.app.taskqueue.browser.controlpanel.base import ControlPanelView
from plone.app.taskqueue.browser.controlpanel.filtering import Filter
from plone.app.taskqueue.browser.controlpanel.filtering import PARAMETERS
from plone.app.taskqueue.browser.controlpanel.table import as_csv
from plone.app.taskqueue.browser.times import zone_of_site
from plone.batching.batch import Batch
from plone.batching.browser import PloneBatchView
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any

import functools


#: How many jobs a page may list.
SIZES = (20, 50, 100)
#: The columns, by what the jobs of a page are sorted by; the list has its own order.
COLUMNS = {
    "function": _("column_job", default="Job"),
    "group": _("column_state", default="State"),
    "queue": _("column_queue", default="Queue"),
    "user": _("column_user", default="User"),
    "context": _("column_context", default="Content"),
    "": _("column_time", default="Ended or queued"),
    "seconds": _("column_seconds", default="Ran for"),
}
#: Letters of an error that a list shows.
_SHORT = 200

_NOTHING = JobPage([], 0, 0, False, False)


class Jobs(ControlPanelView):
    """``@@taskqueue-jobs``."""

    tab = "taskqueue-jobs"
    template = ViewPageTemplateFile("jobs.pt")
    confirmation = ViewPageTemplateFile("confirm.pt")
    buttons = {
        "form.button.Selected": "choose_selected",
        "form.button.Matching": "choose_matching",
        "form.button.Upload": "choose_uploaded",
        "form.button.Confirm": "confirm",
    }
    sizes = SIZES
    columns = tuple(COLUMNS.items())
    actions = choosing.TITLES
    #: What is asked for before it is done.
    choice: choosing.Choice

    @functools.cached_property
    def filter(self) -> Filter:
        return Filter(self.request.form)

    # The list

    @functools.cached_property
    def found(self) -> JobPage:
        wanted = self.filter.wanted
        if wanted is None:
            return _NOTHING
        return self.admin.jobs(wanted, self.number_of("b_start"), self.size)

    @property
    def size(self) -> int:
        size = self.number_of("b_size")
        return size if size in SIZES else SIZES[0]

    @property
    def column(self) -> str:
        """The column by which the jobs of the page are sorted, if they are."""
        name = self.text("sort")
        return name if name in COLUMNS else ""

    @functools.cached_property
    def jobs(self) -> list[dict[str, Any]]:
        """What is shown of the jobs of this page."""
        jobs = [self.admin.summary(job) for job in self.found.jobs]
        if self.column:
            # Those that have none of it come last.
            jobs.sort(
                key=lambda job: (job[self.column] is None, job[self.column] or ""),
            )
        return jobs

    def batching(self) -> str:
        """Return the links to the other pages."""
        if not self.jobs:
            return ""
        batch = Batch(range(self.found.total), self.size, self.found.start)
        keys = (*PARAMETERS, "b_size", "sort")
        return PloneBatchView(self.context, self.request)(batch, keys)

    def tabs_of_states(self) -> list[dict[str, Any]]:
        """Return the tabs above the list, each with how many fit."""
        wanted = self.filter.wanted
        counts = {} if wanted is None else self.admin.counts(wanted)
        return [
            {
                "title": self.group_title(group),
                "icon": self.group_icon(group),
                "url": self.link(state=group),
                "active": group == self.filter.group,
                "count": self.capped(*counts[group]) if group in counts else None,
            }
            for group in ("", *GROUPS)
        ]

    def link(self, **changes: Any) -> str:
        """Return the address of the same list with changes, from its first page."""
        query = self.filter.with_(**changes)
        size = "" if self.size == SIZES[0] else self.size
        return self.url(
            "taskqueue-jobs", **{"b_size": size, "sort": self.column} | query
        )

    def sort_link(self, column: str) -> str:
        return self.link(sort="" if column == self.column else column)

    def column_title(self, column: str) -> Any:
        return COLUMNS[column]

    def kept(self) -> dict[str, Any]:
        """Return what the forms of the page keep of its address."""
        kept = dict(self.filter.query)
        if self.size != SIZES[0]:
            kept["b_size"] = self.size
        if self.column:
            kept["sort"] = self.column
        if self.text("back"):
            kept["back"] = self.text("back")
        return kept

    @functools.cached_property
    def queues(self) -> list[dict[str, Any]]:
        return self.admin.queue_states()

    def time_value(self, name: str) -> str:
        """Return what a field for a time shows: it knows no day without a time."""
        value = self.filter.query.get(name, "")
        moment = getattr(self.filter.wanted, name, None)
        if moment is None:
            return value
        return moment.astimezone(zone_of_site()).strftime("%Y-%m-%dT%H:%M")

    def shortened(self, text: str) -> str:
        return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"

    def download_url(self) -> str:
        return self.url("taskqueue-jobs-csv", **self.filter.query)

    @functools.cached_property
    def may_choose(self) -> bool:
        """Whether there is anything that they could do to jobs."""
        may = self.admin.access.may
        return may(CHANGE_JOBS) or may(DELETE_JOBS)

    def choose_label(self, job: dict[str, Any]) -> str:
        name = job["task"] or job["function"]
        return self.translate(
            _(
                "choose_job",
                default="Choose ${name}, job ${id}",
                mapping={"name": name, "id": job["id"]},
            )
        )

    # Doing something to many

    def choose_selected(self) -> Any:
        """Ask whether to do something to the jobs whose boxes are ticked."""
        given = self.request.form.get("jobs", [])
        return self._ask([each for each in given if isinstance(each, str)])

    def choose_matching(self) -> Any:
        """Ask whether to do something to all jobs that fit the filter."""
        wanted = self.filter.wanted
        if wanted is None:
            return self.show()
        references, more = self.admin.matching(wanted)
        return self._ask(references, more)

    def choose_uploaded(self) -> Any:
        """Ask whether to do something to the jobs whose references a file has."""
        try:
            references = choosing.references_in(self.request.form.get("file"))
        except ValueError as error:
            self.tell(error.args[0], "error")
            return self.show()
        return self._ask(references)

    def _ask(self, references: list[str], more: bool = False) -> Any:
        action = self.text("action")
        if action not in choosing.TITLES:
            self.tell(
                _("message_no_action", default="Choose what to do to the jobs."),
                "error",
            )
            return self.show()
        if not references:
            self.tell(
                _("message_no_jobs", default="No jobs were chosen."),
                "error",
            )
            return self.show()
        self.choice = choosing.Choice(self.admin, action, references, more)
        return self.confirmation()

    def confirm(self) -> None:
        """Do it, to those jobs that were counted and to no others."""
        action = self.text("action")
        if action not in choosing.TITLES:
            return
        references = self.text("references").split()[:MOST]
        done, refused = self.admin.do_all(action, references)
        self.tell(choosing.done_text(action, self.number(done)))
        if refused:
            self.tell(
                choosing.refused_text(self.number(len(refused)), refused), "warning"
            )

    def back(self) -> str:
        if self.text("back") == "taskqueue-failures":
            return self.url("taskqueue-failures")
        return self.link()


class JobsTable(Jobs):
    """``@@taskqueue-jobs-csv``: what fits the filter, as far as lists go."""

    def __call__(self) -> Any:
        wanted = self.filter.wanted
        jobs = [] if wanted is None else self.admin.jobs(wanted, 0, MOST).jobs
        response = self.request.response
        response.setHeader("Content-Type", "text/csv; charset=utf-8")
        response.setHeader("Content-Disposition", 'attachment; filename="jobs.csv"')
        response.setHeader("X-Content-Type-Options", "nosniff")
        response.setHeader("Cache-Control", "private, no-store")
        return as_csv(self.admin.summary(job) for job in jobs)
