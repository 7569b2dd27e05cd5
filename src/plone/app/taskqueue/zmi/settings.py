"""The settings of a task service."""

from Acquisition import aq_inner
from Acquisition import aq_parent
from plone.app.taskqueue import _
from plone.app.taskqueue.environment.walk import path_of
from plone.app.taskqueue.service import rights
from plone.app.taskqueue.zmi.form import Form
from plone.app.taskqueue.zmi.form import sentence_of
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from zExceptions import BadRequest
from zExceptions import Unauthorized

import transaction


class Settings(Form):
    """The form of a service."""

    template = ViewPageTemplateFile("settings.pt")

    def __call__(self) -> str:
        if self.is_sent():
            try:
                self._save()
            except (BadRequest, Unauthorized, ValueError) as error:
                transaction.doom()
                self.tell(sentence_of(error), "danger")
                self.request.response.setStatus(
                    403 if isinstance(error, Unauthorized) else 400
                )
            else:
                self.tell(_("Saved."))
        return self.template()

    def _save(self) -> None:
        service = self.context
        try:
            seconds = float(self.text("wait_seconds"))
        except ValueError:
            raise ValueError(_("The wait time is a number of seconds.")) from None
        service.wait_seconds = seconds
        service.title = self.text("title")
        user_id = self.text("user_id")
        if user_id and self.text("user_folder") not in self.folders():
            raise BadRequest(_("Choose one of the user folders."))
        rights.appoint(
            service, (self.text("user_folder"), user_id) if user_id else None
        )

    def folders(self) -> list[str]:
        """Return the paths of the user folders whose users can be chosen."""
        paths = [self.context.user[0]] if self.context.user else []
        here = aq_parent(aq_inner(self.context))
        while here is not None:
            path = f"{path_of(here)}/acl_users"
            if path not in paths:
                paths.append(path)
            if path == "/acl_users":
                break
            here = aq_parent(aq_inner(here))
        return paths

    def user_folder(self) -> str:
        """Return the path of the user folder that is shown as chosen."""
        return self.context.user[0] if self.context.user else self.folders()[0]

    def user_id(self) -> str:
        """Return the id of the user that is set."""
        return self.context.user[1] if self.context.user else ""

    def trouble(self) -> str:
        """Return why no job can run as the user that is set, if none can."""
        try:
            if self.context.user:
                rights.check_exists(self.context, self.context.user)
        except BadRequest as error:
            return _(
                "${reason}. Jobs fail until you choose another.",
                mapping={"reason": sentence_of(error)},
            )
        return ""
