"""The tabs of the control panel, in their order."""

from plone.app.taskqueue import _
from plone.app.taskqueue.administration.access import MANAGE_SETTINGS
from plone.app.taskqueue.administration.access import USE_SERVICES
from plone.app.taskqueue.administration.access import VIEW_JOBS
from typing import Any
from typing import NamedTuple


class Tab(NamedTuple):
    """A tab that those see who have a permission."""

    #: Name of the view.
    view: str
    title: Any
    permission: str


TABS = (
    Tab("taskqueue-controlpanel", _("tab_overview", default="Overview"), VIEW_JOBS),
    Tab("taskqueue-jobs", _("tab_jobs", default="Jobs"), VIEW_JOBS),
    Tab("taskqueue-failures", _("tab_failures", default="Failures"), VIEW_JOBS),
    Tab("taskqueue-cron", _("tab_cron", default="Cron"), VIEW_JOBS),
    Tab("taskqueue-tasks", _("tab_tasks", default="Services and tasks"), USE_SERVICES),
    Tab("taskqueue-settings", _("tab_settings", default="Settings"), MANAGE_SETTINGS),
    Tab("taskqueue-audit", _("tab_audit", default="Audit"), VIEW_JOBS),
)
