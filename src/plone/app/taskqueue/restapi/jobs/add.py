"""Queuing a job of a task, by the names of service and task."""

from plone.app.taskqueue.administration import InputError
from plone.app.taskqueue.restapi.body import Member
from plone.app.taskqueue.restapi.body import read_body
from plone.app.taskqueue.restapi.ordering import ORDER
from plone.app.taskqueue.restapi.ordering import read_order
from plone.app.taskqueue.restapi.ordering import refuse_input
from plone.app.taskqueue.restapi.serializing import job_as_json
from plone.app.taskqueue.restapi.serializing import url_of
from plone.app.taskqueue.restapi.service import JobService
from typing import Any


_MEMBERS = {**ORDER, "later": Member((bool,))}


def add_job(service: JobService) -> dict[str, Any]:
    """Queue it, say where it is, and return it.

    Where the task lets one job of a kind wait, this may be the one that waits already.
    """
    body = read_body(service.request, _MEMBERS)
    admin = service.administration
    order = read_order(admin, body)
    try:
        job = admin.add_job(
            order.service,
            order.task,
            order.input,
            order.context,
            body.get("later", False),
        )
    except InputError as error:
        refuse_input(error)
    service.accepted(url_of(service.site_url, admin.summary(job)["id"]))
    return job_as_json(admin, job, service.site_url)
