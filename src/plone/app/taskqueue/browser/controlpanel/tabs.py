"""The tabs of the control panel, in their order."""

from plone.app.taskqueue import _
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
    Tab("taskqueue-audit", _("tab_audit", default="Audit"), VIEW_JOBS),
)
