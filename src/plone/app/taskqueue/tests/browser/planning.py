"""Functions that the web server calls so that there are tasks to plan and to run."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.service import SiteTaskService
from plone.app.taskqueue.task import SimpleTask
from plone.app.taskqueue.task import TaskError
from plone.registry.interfaces import IRegistry
from typing import Any
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.interface import Interface
from zope.schema import Bool
from zope.schema import Choice
from zope.schema import Int
from zope.schema import TextLine


SERVICE_ID = "nightly"
NAME = "import-prices"


class IImport(Interface):
    source = TextLine(title="Source", description="Name of the supplier.")
    days = Int(title="Days", description="How far back.", min=1, default=7)
    way = Choice(title="Way", values=["complete", "changes"], default="changes")
    publish = Bool(title="Publish", required=False, default=False)


def _import_prices(input: dict[str, Any]) -> str:
    if input["source"] == "nowhere":
        raise TaskError("The source 'nowhere' is not known: name one of the suppliers.")
    return f"Imported 42 prices from {input['source']}."


def offer_tasks(portal: Any) -> None:
    """Let there be a task for as long as the web server runs."""
    getGlobalSiteManager().registerUtility(
        SimpleTask(
            _import_prices,
            title="Import prices",
            description="Fetch the prices of a supplier, and change those that differ.",
            input_schema=IImport,
        ),
        ITask,
        NAME,
    )


def add_service(portal: Any) -> None:
    """Add a service, whose tasks run as Anonymous."""
    portal._setObject(SERVICE_ID, SiteTaskService(SERVICE_ID, "Nightly work"))


def plan_tasks(portal: Any, count: int = 4) -> None:
    """Add cron jobs: one whose runs end well and badly, a disabled one, and others."""
    service = portal[SERVICE_ID]
    plans = (
        ({"source": "supplier-1"}, "30 2 * * MON-FRI", {}),
        ({"source": "supplier-2", "days": 30}, "0 4 1 * *", {"enabled": False}),
        ({"source": "nowhere"}, "*/15 8-18 * * *", {"overlap": "queue"}),
    )
    for number in range(count):
        input, crontab, options = plans[number % len(plans)]
        service.addCronJob(
            NAME, input, crontab=crontab, timezone="Europe/Vienna", **options
        )


def run_plans(portal: Any, times: int = 6) -> None:
    """Let each cron job have some runs, of which some fail."""
    service = portal[SERVICE_ID]
    known = [job for job in service.jobs.values() if job.schedule]
    for turn in range(times):
        for job in known:
            source = "nowhere" if (turn + job.id) % 3 == 0 else "supplier-1"
            before = job.input
            service.update_input(job.id, {**before, "source": source})
            service.run_now(job.id)
            service.process()
            service.update_input(job.id, before)
        clock.advance(60)


def start_run(portal: Any) -> None:
    """Let a run of the first cron job wait."""
    service = portal[SERVICE_ID]
    service.run_now(min(service.jobs))


def clean(portal: Any) -> None:
    """Have no service, no task, and the settings of the first day."""
    if SERVICE_ID in portal.objectIds():
        portal[SERVICE_ID].stopProcessing()
        portal._delObject(SERVICE_ID)
    getGlobalSiteManager().unregisterUtility(None, ITask, NAME)
    registry = getUtility(IRegistry)
    registry["plone.app.taskqueue.retention_days"] = None


def retention(portal: Any) -> Any:
    """Return the setting."""
    return getUtility(IRegistry)["plone.app.taskqueue.retention_days"]
