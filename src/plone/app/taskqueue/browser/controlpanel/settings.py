"""The tab of the settings: records of the site's registry, and what is in force."""

from plone.app.registry.browser.controlpanel import RegistryEditForm
from plone.app.taskqueue import _
from plone.app.taskqueue.administration.settings import ITaskQueueSettings
from plone.app.taskqueue.administration.settings import PREFIX
from plone.app.taskqueue.browser.controlpanel.formpage import FormPage
from plone.app.taskqueue.browser.controlpanel.formpage import TrustedForm
from plone.app.taskqueue.settings import read_settings
from plone.app.taskqueue.settings import SettingsError
from plone.registry.interfaces import IRegistry
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from z3c.form import button
from zope.component import getUtility


#: Lines of a field with one value in each that are seen at once.
_LINES = 6


class SettingsForm(TrustedForm, RegistryEditForm):
    """The records; only what is changed is written, and noted in the audit."""

    schema = ITaskQueueSettings
    schema_prefix = PREFIX

    def __init__(self, page: FormPage) -> None:
        super().__init__(page.context, page.request)
        self.page = page

    def getContent(self) -> Any:
        # Also where an upgrade has yet to add the records of new settings.
        registry = getUtility(IRegistry)
        return registry.forInterface(self.schema, prefix=PREFIX, check=False)

    def updateWidgets(self, prefix: str | None = None) -> None:
        super().updateWidgets(prefix)
        for name in ("quotas", "failure_mail_to", "hidden_names"):
            self.widgets[name].rows = _LINES

    buttons = button.Buttons()
    handlers = button.Handlers()

    @button.buttonAndHandler(_("button_save_settings", default="Save"), name="save")
    def save(self, action: Any) -> None:
        data, errors = self.extractData()
        if errors:
            self.status = self.formErrorsMessage
            return
        changes = self.applyChanges(data)
        self.page.tell(
            _("message_settings_saved", default="The settings are saved.")
            if changes
            else _("message_settings_same", default="Nothing was changed.")
        )
        self.next_url = self.page.form_url()

    @button.buttonAndHandler(
        _("button_cancel_settings", default="Cancel"), name="cancel"
    )
    def cancel(self, action: Any) -> None:
        self.next_url = self.page.form_url()


class Settings(FormPage):
    """``@@taskqueue-settings``."""

    template = ViewPageTemplateFile("settings.pt")
    tab = "taskqueue-settings"
    form_class = SettingsForm

    def in_force(self) -> dict[str, Any]:
        """Return what the queues say, and what this process says where they are silent."""
        shared = self.admin.in_force()
        configured = self._configured()
        return {
            "retention_days": _first(
                shared["retention_days"], configured and configured.retention_days
            ),
            "retention_is_ours": shared["retention_days"] is not None,
            "group_milliseconds": _first(
                shared["group_milliseconds"],
                configured and round(configured.group_seconds * 1000),
            ),
            "group_is_ours": shared["group_milliseconds"] is not None,
            "quotas": [f"{name}={size}" for name, size in shared["quotas"].items()],
        }

    def _configured(self) -> Any:
        try:
            return read_settings()
        except SettingsError:
            # The process would not have started with it, and says so in its log.
            return None


def _first(ours: Any, others: Any) -> Any:
    return others if ours is None else ours
