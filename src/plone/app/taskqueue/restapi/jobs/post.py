"""``POST @jobs``, ``POST @jobs/ID/retry``, ``/cancel``, ``/run-now``, ``POST @jobs/@bulk``."""

from plone.app.taskqueue.restapi.acting import act
from plone.app.taskqueue.restapi.acting import NAMES
from plone.app.taskqueue.restapi.jobs.add import add_job
from plone.app.taskqueue.restapi.jobs.bulk import act_on_many
from plone.app.taskqueue.restapi.service import JobService
from typing import Any


class JobsPost(JobService):
    """What is done to jobs, apart from deleting one; and new ones."""

    changes = True

    def answer(self) -> dict[str, Any]:
        match self.names:
            case []:
                return add_job(self)
            case ["@bulk"]:
                return act_on_many(self)
            case [reference, name] if name in NAMES:
                return act(self, name, self.job(reference))
        raise self.no_such_address()
