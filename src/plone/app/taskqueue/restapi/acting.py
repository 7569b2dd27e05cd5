"""Doing something to one job."""

from http import HTTPStatus
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.restapi.body import read_body
from plone.app.taskqueue.restapi.serializing import ACTIONS
from plone.app.taskqueue.restapi.serializing import job_as_json
from plone.app.taskqueue.restapi.serializing import url_of
from plone.app.taskqueue.restapi.service import JobService
from typing import Any


#: The last names of addresses, and what they do.
NAMES = {name: action for action, name in ACTIONS.items()}


def act(service: JobService, name: str, job: IAsyncJob) -> dict[str, Any]:
    """Do what the last name of the address says, and return the job as it is then.

    202 says that something is still to come: a new job, whose address is told, a run,
    or the end of a job whose worker has to hear that it is cancelled.
    """
    read_body(service.request, {})
    administration = service.administration
    answer = administration.do(NAMES[name], job)
    if name == "retry":
        job = answer
    if name != "cancel":
        service.accepted(url_of(service.site_url, administration.summary(job)["id"]))
    elif not answer:
        service.request.response.setStatus(HTTPStatus.ACCEPTED.value)
    return job_as_json(administration, job, service.site_url)
