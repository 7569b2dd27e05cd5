"""The page of one job."""

from functools import cached_property
from plone.app.taskqueue import _
from plone.app.taskqueue.administration import ActionError
from plone.app.taskqueue.administration.showing import as_text
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.zmi import doing
from plone.app.taskqueue.zmi.form import sentence_of
from plone.app.taskqueue.zmi.page import Page
from plone.app.taskqueue.zmi.root import RootPage
from plone.app.taskqueue.zmi.words import GROUP_WORDS
from plone.app.taskqueue.zmi.words import STATUS_WORDS
from plone.app.taskqueue.zmi.words import STEP_WORDS
from plone.app.taskqueue.zmi.words import Word
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from zExceptions import NotFound
from zExceptions import Unauthorized


class Job(Page):
    """What there is to see of a job, and what can be done to it.

    What whoever looks may not see is not there; what is there is shown as text.
    """

    template = ViewPageTemplateFile("job.pt")
    tab = "Jobs"
    #: The names of the list that it is in, and of this page.
    list_page = "manage_jobs"
    job_page = "manage_job"

    def __call__(self) -> str:
        try:
            self.job = self._find()
        except LookupError as error:
            raise NotFound(str(error)) from error
        if self.is_posted() and self._do(self.text("do")):
            return ""
        return self.template()

    def _find(self) -> IAsyncJob:
        found = self.admin.job(self.text("id"))
        if found.queue is not self.context._queue:
            raise LookupError(f"There is no job {self.text('id')!r} in this service.")
        return found

    def _do(self, action: str) -> bool:
        """Do something to the job; say whether another page is shown then."""
        if action not in doing.ACTIONS:
            return False
        try:
            answer = self.admin.do(action, self.job)
        except (ActionError, Unauthorized) as error:
            self.tell(sentence_of(error), "danger")
            return False
        if action == "delete":
            self.request.response.redirect(self.list_url())
            return True
        if action == "retry":
            url = self.url_of(self.admin.summary(answer)["id"])
            self.request.response.redirect(url)
            return True
        self.tell(doing.done(action, 1))
        return False

    # What is shown

    @cached_property
    def summary(self) -> dict[str, Any]:
        return self.admin.summary(self.job)

    @cached_property
    def details(self) -> dict[str, Any]:
        return self.admin.details(self.job)

    def heading(self) -> str:
        """Return what the job does."""
        return self.summary["task"] or self.summary["function"]

    def word(self) -> Word:
        """Return what its state is called."""
        found = None
        if self.summary["number"] is not None:
            found = STATUS_WORDS.get(self.job.status)
        return found or GROUP_WORDS[self.summary["group"]]

    def as_text(self, value: Any) -> str:
        """Return a value to look at; never markup."""
        return as_text(value)

    def actions(self) -> list[tuple[str, Any, str]]:
        """Return what can be done: its name, what the button says, and its class."""
        return [
            (action, text, css)
            for action, text, css in _BUTTONS
            if self.admin.can(action, self.job)
        ]

    def steps(self) -> list[dict[str, Any]]:
        """Return what happened to it, oldest first."""
        return [
            {**step, "word": STEP_WORDS.get(step["what"], step["what"])}
            for step in self.details["timeline"]
        ]

    def near(self) -> list[tuple[Any, dict[str, Any]]]:
        """Return the jobs that it has to do with, with what they are to it."""
        found = []
        if self.details["parent"] is not None:
            found.append((_("zmi_parent", default="Parent"), self.details["parent"]))
        word = _("zmi_member", default="Member")
        return found + [(word, each) for each in self.details["members"]]

    def url_of(self, reference: str) -> str:
        """Return the address of a job's page."""
        return f"{self.context.absolute_url()}/{self.job_page}?id={reference}"

    def list_url(self) -> str:
        """Return the address of the list of jobs."""
        return f"{self.context.absolute_url()}/{self.list_page}"


class AnyJob(RootPage, Job):
    """The page of a job of any site, at the root of Zope."""

    list_page = "manage_taskqueue_jobs"
    job_page = "manage_taskqueue_job"

    def _find(self) -> IAsyncJob:
        return self.admin.job(self.text("id"))


_BUTTONS = (
    ("run_now", _("zmi_run_now", default="Start or run now"), "btn btn-primary"),
    ("cancel", _("zmi_cancel", default="Cancel"), "btn btn-primary"),
    ("retry", _("zmi_retry", default="Run again"), "btn btn-primary"),
    ("delete", _("zmi_remove", default="Remove"), "btn btn-danger"),
)
