"""``POST @cron``, ``@cron/@preview``, ``@cron/ID/enable``, ``/disable``, ``/run-now``."""

from plone.app.taskqueue.restapi.body import read_body
from plone.app.taskqueue.restapi.cron.add import add_cron_job
from plone.app.taskqueue.restapi.cron.add import preview
from plone.app.taskqueue.restapi.cron.finding import cron_job_of
from plone.app.taskqueue.restapi.cron.serializing import cron_as_json
from plone.app.taskqueue.restapi.service import JobService
from typing import Any


_ACTIONS = {"enable": "enable", "disable": "disable", "run-now": "run_now"}


class CronPost(JobService):
    """Needs "Manage cron jobs", and more where a job would run as somebody else."""

    changes = True

    def answer(self) -> dict[str, Any]:
        match self.names:
            case []:
                return add_cron_job(self)
            case ["@preview"]:
                return preview(self)
            case [reference, name] if name in _ACTIONS:
                return self._do(reference, name)
        raise self.no_such_address()

    def _do(self, reference: str, name: str) -> dict[str, Any]:
        read_body(self.request, {})
        job = cron_job_of(self, reference)
        self.administration.do_cron(_ACTIONS[name], job)
        found = cron_as_json(self.administration, job, self.site_url)
        if name == "run-now":
            # Its run is queued; the cron job lists it when it has ended.
            self.accepted(found["@id"])
        return found
