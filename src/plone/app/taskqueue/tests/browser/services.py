"""Functions that the web server calls so that there is a task service to look at."""

from plone.app.taskqueue.administration.audit import note
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.service import SiteTaskService
from plone.app.taskqueue.task import SimpleTask
from plone.app.taskqueue.task import TaskError
from typing import Any
from zope.component import getGlobalSiteManager

import transaction


SERVICE_ID = "nightly"

#: Of many jobs, how many the web server commits at a time.
_PORTION = 500


def _import_prices(input: dict[str, Any]) -> str:
    """The task of a job that ends well, unless it is told to fail."""
    if input["source"] == "nowhere":
        raise TaskError("The source 'nowhere' is not known: name one of the suppliers.")
    return f"Imported 42 prices from {input['source']}."


def add_service(portal: Any) -> None:
    """Add a service, with a task that is there for as long as the web server."""
    getGlobalSiteManager().registerUtility(
        SimpleTask(_import_prices, title="Import prices"), ITask, "import-prices"
    )
    portal._setObject(SERVICE_ID, SiteTaskService(SERVICE_ID, "Nightly work"))


def remove_service(portal: Any) -> None:
    """Take all of that away again."""
    portal._delObject(SERVICE_ID)
    getGlobalSiteManager().unregisterUtility(None, ITask, "import-prices")


def fill_service(portal: Any) -> None:
    """Add jobs of each kind: ended ones, such as wait, and cron jobs."""
    service = portal[SERVICE_ID]
    for source in ("supplier-1", "nowhere", "supplier-2"):
        service.add("import-prices", {"source": source, "password": "1234"})
    service.process()
    service.add("import-prices", {"source": "supplier-3"})
    service.add("import-prices", {"source": "supplier-4"}, startLater=True)
    cancelled = service.add("import-prices", {"source": "supplier-5"})
    service.cancel(cancelled)
    # So that the audit has a line, as wide as one can be.
    note(
        portal._p_jar, "/Plone", "admin", "cancel", f"nightly/{cancelled}", 1, "w " * 60
    )
    service.addCronJob("import-prices", {"source": "supplier-1"}, delay=3600)
    plan = service.addCronJob(
        "import-prices",
        {"source": "supplier-1"},
        crontab="30 2 * * MON-FRI",
        timezone="Europe/Vienna",
    )
    service.run_now(plan)
    service.process()
    service.addCronJob(
        "import-prices",
        {"source": "supplier-2"},
        hour=(4, 16),
        dayOfWeek=(6,),
        enabled=False,
    )


def fill_with_many(portal: Any, count: int) -> None:
    """Add so many jobs that wait."""
    service = portal[SERVICE_ID]
    for number in range(count):
        service.add("import-prices", {"source": f"supplier-{number}"})
        if number % _PORTION == 0:
            transaction.commit()
