"""What the page on moving takes for granted."""

from plone.app.taskqueue.service import SiteTaskService
from plone.app.taskqueue.tests.migration.old import leave_behind
from plone.app.taskqueue.tests.migration.old import Old
from typing import Any

import transaction


def _fill(old: Old) -> None:
    old.add(7, "echo", status="processing")
    old.add(3, "echo", {"page": 3})
    old.add(4, "echo", status="completed", output={"rows": 7})
    old.add(5, "echo", status="cancelled")
    old.add_cron(8, "echo", hour=(2,))
    old.add(9, "print")


def prepare(portal: Any) -> None:
    """Leave an old service behind in a site, and add a new one."""
    portal._setObject("tasks", SiteTaskService("tasks"))
    transaction.commit()
    path = "/".join((*portal.getPhysicalPath()[1:], "remote"))
    leave_behind(portal.getPhysicalRoot(), path, _fill)
