"""The settings of the site among the control panels of Volto."""

from plone.app.taskqueue.administration.access import MANAGE_SETTINGS
from plone.app.taskqueue.administration.settings import ITaskQueueSettings
from plone.app.taskqueue.administration.settings import PREFIX
from plone.app.taskqueue.browserlayer import ITaskQueueLayer
from plone.app.taskqueue.interfaces import IAdministration
from plone.base.interfaces import IPloneSiteRoot
from plone.restapi.controlpanels import IControlpanel
from plone.restapi.controlpanels import RegistryConfigletPanel
from plone.restapi.interfaces import IControlpanelLayer
from typing import Any
from zope.component import adapter
from zope.interface import implementer


class TaskQueueControlpanel(RegistryConfigletPanel):
    """``@controlpanels/taskqueue``."""

    schema = ITaskQueueSettings
    schema_prefix = PREFIX
    configlet_id = "plone.app.taskqueue"
    configlet_category_id = "Products"


@implementer(IControlpanel)
@adapter(IPloneSiteRoot, IControlpanelLayer)
def controlpanel(context: Any, request: Any) -> IControlpanel | None:
    """Return the panel; ``None``, which is 404, for those who may not change settings.

    Whoever may see the overview of all panels is let in by plone.restapi.
    """
    if not ITaskQueueLayer.providedBy(request):
        return None
    if not IAdministration(context).access.may(MANAGE_SETTINGS):
        return None
    return TaskQueueControlpanel(context, request)
