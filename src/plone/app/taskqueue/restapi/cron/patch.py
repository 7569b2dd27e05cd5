"""``PATCH @cron/ID`` changes times and policies, and the input."""

from http import HTTPStatus
from plone.app.taskqueue.administration import InputError
from plone.app.taskqueue.restapi.body import Member
from plone.app.taskqueue.restapi.body import read_body
from plone.app.taskqueue.restapi.cron.finding import cron_job_of
from plone.app.taskqueue.restapi.cron.schedules import refuse_schedule
from plone.app.taskqueue.restapi.cron.serializing import cron_as_json
from plone.app.taskqueue.restapi.ordering import refuse_input
from plone.app.taskqueue.restapi.problems import ProblemError
from plone.app.taskqueue.restapi.service import JobService
from typing import Any


_MEMBERS = {"schedule": Member((dict,)), "input": Member()}


class CronPatch(JobService):
    """Needs "Manage cron jobs", and more where a job would run as somebody else."""

    changes = True

    def answer(self) -> dict[str, Any]:
        if len(self.names) != 1:
            raise self.no_such_address()
        job = cron_job_of(self, self.names[0])
        body = read_body(self.request, _MEMBERS)
        admin = self.administration
        # One after the other, so that each error tells whose it is.
        if "schedule" in body or "input" not in body:
            try:
                admin.edit_cron_job(job, body.get("schedule", {}))
            except InputError as error:
                refuse_schedule(error)
        if "input" in body:
            try:
                given = admin.read_input(job.queue.service, job.task, body["input"])
                admin.edit_cron_job(job, {}, given)
            except LookupError as error:
                # Its add-on is gone, say.
                raise ProblemError(HTTPStatus.CONFLICT, str(error.args[0])) from None
            except InputError as error:
                refuse_input(error)
        return cron_as_json(admin, job, self.site_url)
