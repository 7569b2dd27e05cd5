"""What the pages have in common that show jobs to members and editors."""

from functools import cached_property
from plone.app.taskqueue import _
from plone.app.taskqueue.administration import ActionError
from plone.app.taskqueue.browser.controlpanel.base import ControlPanelView
from plone.app.taskqueue.browser.myjobs.rows import Row
from plone.app.taskqueue.browser.myjobs.rows import Rows
from plone.app.taskqueue.browser.myjobs.rows import shape
from plone.app.taskqueue.interfaces import IAdministration
from plone.app.taskqueue.interfaces import IAsyncJob
from Products.CMFCore.utils import getToolByName
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from urllib.parse import urlencode


class MemberView(ControlPanelView):
    """A page in the site itself, whose jobs can be cancelled and run again.

    The context may be any object of the site.
    """

    buttons = {"cancel": "cancel", "retry": "retry"}

    _frame = ViewPageTemplateFile("frame.pt")
    _parts = ViewPageTemplateFile("parts.pt")

    @cached_property
    def site(self) -> Any:
        return getToolByName(self.context, "portal_url").getPortalObject()

    @cached_property
    def admin(self) -> Any:
        return IAdministration(self.site)

    @property
    def site_url(self) -> str:
        return self.site.absolute_url()

    @property
    def parts(self) -> Any:
        """The macros that show a job."""
        return self._parts.macros

    @property
    def address(self) -> str:
        """The address of this page, without parameters."""
        return f"{self.context.absolute_url()}/@@{self.__name__}"

    # Changing

    def cancel(self) -> None:
        """Cancel the job that the form names."""
        done = self._do("cancel")
        if done is not None:
            self.tell(
                _("message_cancelled", default="The job is cancelled.")
                if done
                else _(
                    "message_being_cancelled",
                    default="The job is running. It is cancelled as soon as it can be.",
                )
            )

    def retry(self) -> None:
        """Run the job that the form names again."""
        if self._do("retry") is not None:
            self.tell(
                _("message_queued_again", default="The job was queued once more.")
            )

    def _do(self, action: str) -> Any:
        try:
            return self.admin.do(action, self.job_to_change(self.text("id")))
        except LookupError:
            self.tell(
                _("message_no_such_job", default="That job is not there any more."),
                "error",
            )
        except ActionError as error:
            self.tell(error.args[0], "error")
        return None

    def job_to_change(self, reference: str) -> IAsyncJob:
        """Return the job that is called so.  ``LookupError``: none that is on the page."""
        return self.admin.job(reference)

    # For templates

    def rows_of(self, jobs: Any) -> list[Row]:
        return Rows(self.admin, self).of(jobs)

    def live_url(self, rows: list[Row]) -> str:
        """Return where the page asks what has changed; empty if nothing will."""
        if not any(row.can_change_by_itself for row in rows):
            return ""
        query = [("id", row.id) for row in rows] + [("was", shape(rows))]
        return f"{self.url('my-jobs-live')}?{urlencode(query)}"
