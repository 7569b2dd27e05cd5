"""Adding a cron job, and trying a schedule."""

from http import HTTPStatus
from plone.app.taskqueue.administration import InputError
from plone.app.taskqueue.restapi.body import Member
from plone.app.taskqueue.restapi.body import read_body
from plone.app.taskqueue.restapi.cron.schedules import check_schedule
from plone.app.taskqueue.restapi.cron.schedules import refuse_schedule
from plone.app.taskqueue.restapi.cron.serializing import cron_as_json
from plone.app.taskqueue.restapi.ordering import ORDER
from plone.app.taskqueue.restapi.ordering import read_order
from plone.app.taskqueue.restapi.ordering import refuse_input
from plone.app.taskqueue.restapi.service import JobService
from plone.app.taskqueue.restapi.values import as_json
from typing import Any


_SCHEDULE = {"schedule": Member((dict,), required=True)}


def add_cron_job(service: JobService) -> dict[str, Any]:
    """Add it, say where it is, and return it."""
    body = read_body(service.request, {**ORDER, **_SCHEDULE})
    admin = service.administration
    order = read_order(admin, body)
    # By itself, so that each error tells whose it is.
    check_schedule(body["schedule"])
    try:
        job = admin.add_cron_job(
            order.service, order.task, body["schedule"], order.input, order.context
        )
    except InputError as error:
        refuse_input(error)
    found = cron_as_json(admin, job, service.site_url)
    service.request.response.setStatus(HTTPStatus.CREATED.value)
    service.request.response.setHeader("Location", found["@id"])
    return found


def preview(service: JobService) -> dict[str, Any]:
    """Return what a schedule means in words, and its next times."""
    body = read_body(service.request, _SCHEDULE)
    try:
        return as_json(service.administration.preview_schedule(body["schedule"]))
    except InputError as error:
        refuse_schedule(error)
