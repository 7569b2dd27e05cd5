"""A service whose tasks are the same in all processes of a test."""

from plone.app.taskqueue.local import getJob
from plone.app.taskqueue.service.taskservice import BaseTaskService
from plone.app.taskqueue.task import SimpleTask
from plone.app.taskqueue.tests.crash import points
from typing import Any


def _write_down(input: Any) -> None:
    """Write down which time of the cron job this is the run of."""
    run = getJob()
    run._p_jar.root()["journal"].append(run.tick)
    if input == "stand":
        points.stand("inside", int(run.tick))


class LedgerService(BaseTaskService):
    """Knows one task, whatever is registered."""

    def _task(self, name: str) -> Any:
        return SimpleTask(_write_down)
