"""Doing the same to many jobs: those that are named, or those that fit a filter."""

from collections.abc import Iterable
from http import HTTPStatus
from plone.app.taskqueue.administration.actions import ACTIONS
from plone.app.taskqueue.restapi.body import Member
from plone.app.taskqueue.restapi.body import read_body
from plone.app.taskqueue.restapi.problems import FieldError
from plone.app.taskqueue.restapi.problems import ProblemError
from plone.app.taskqueue.restapi.problems import refuse_fields
from plone.app.taskqueue.restapi.query import read_filter
from plone.app.taskqueue.restapi.service import JobService
from typing import Any
from zope.i18n import translate


#: As many as lists show, which is how far a filter reaches.
_MOST = 1_000
_MEMBERS = {
    "action": Member((str,), required=True),
    "ids": Member((list,)),
    "filter": Member((dict,)),
    "expected_count": Member((int,)),
}


def act_on_many(service: JobService) -> dict[str, Any]:
    """Do what the body says, and tell to how many; others keep nobody from it.

    With a filter nothing is done unless as many jobs fit as whoever sends it has seen.
    """
    body = read_body(service.request, _MEMBERS)
    refuse_fields(list(_errors(body)))
    more = False
    if "ids" in body:
        references = list(dict.fromkeys(body["ids"]))
    else:
        wanted = read_filter(body["filter"], "filter")
        references, more = service.administration.matching(wanted)
        if len(references) != body["expected_count"]:
            raise ProblemError(
                HTTPStatus.CONFLICT,
                f"The filter fits {len(references)} now, not {body['expected_count']}, "
                "so nothing was done.",
                [FieldError("expected_count", f"Now it is {len(references)}.")],
            )
    done, refused = service.administration.do_all(
        body["action"].replace("-", "_"), references
    )
    return {
        "done": done,
        "refused": [
            {"id": reference, "message": translate(reason, context=service.request)}
            for reference, reason in refused
        ],
        # Beyond what one request reaches; the same again goes on there.
        "more": more,
    }


def _errors(body: dict[str, Any]) -> Iterable[FieldError]:
    actions = [action.replace("_", "-") for action in ACTIONS]
    if body["action"] not in actions:
        yield FieldError("action", f"This is to be one of {', '.join(actions)}.")
    if ("ids" in body) == ("filter" in body):
        yield FieldError("ids", "Give either ids or a filter.")
    ids = body.get("ids", [])
    if len(ids) > _MOST:
        yield FieldError("ids", f"These are more than {_MOST}.")
    for number, each in enumerate(ids[:_MOST]):
        if not isinstance(each, str):
            yield FieldError(f"ids[{number}]", "This is to be a string.")
    if "filter" in body and "expected_count" not in body:
        yield FieldError(
            "expected_count", "Say how many jobs you expect to fit the filter."
        )
    if "filter" not in body and "expected_count" in body:
        yield FieldError("expected_count", "This belongs to a filter.")
