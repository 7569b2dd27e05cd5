"""Adding a task service."""

from plone.app.taskqueue import _
from plone.app.taskqueue.service.siteservice import SiteTaskService
from plone.app.taskqueue.zmi.form import Form
from plone.app.taskqueue.zmi.form import sentence_of
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from zExceptions import BadRequest


class AddTaskService(Form):
    """The form; its context is Zope's adding view, that of a folder."""

    template = ViewPageTemplateFile("adding.pt")

    @property
    def place(self) -> Any:
        """The folder to which the service is added."""
        return self.context.context

    def __call__(self) -> str:
        if self.is_sent():
            name = self.text("id")
            try:
                service = self._add(name)
            except BadRequest as error:
                self.tell(sentence_of(error), "danger")
                self.request.response.setStatus(400)
            else:
                self.request.response.redirect(
                    f"{service.absolute_url()}/manage_settings"
                )
                return ""
        return self.template()

    def _add(self, name: str) -> Any:
        if not name:
            raise BadRequest(_("A task service has an id."))
        self.place._setObject(name, SiteTaskService(name, self.text("title")))
        return self.place._getOb(name)
