"""``POST @my-jobs/ID/retry``, ``/cancel`` and ``/run-now``."""

from plone.app.taskqueue.restapi.acting import act
from plone.app.taskqueue.restapi.acting import NAMES
from plone.app.taskqueue.restapi.myjobs.own import own_job
from plone.app.taskqueue.restapi.service import JobService
from typing import Any


class MyJobsPost(JobService):
    """Needs "View own jobs"; what is done are the jobs' own rights."""

    changes = True

    def answer(self) -> dict[str, Any]:
        match self.names:
            case [reference, name] if name in NAMES:
                return act(self, name, own_job(self, reference))
        raise self.no_such_address()
