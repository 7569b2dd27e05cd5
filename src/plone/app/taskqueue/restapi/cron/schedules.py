"""The schedules that requests write."""

from collections.abc import Mapping
from plone.app.taskqueue.administration import InputError
from plone.app.taskqueue.administration.schedules import read_schedule
from plone.app.taskqueue.restapi.problems import FieldError
from plone.app.taskqueue.restapi.problems import refuse_fields
from typing import Any
from typing import NoReturn


def check_schedule(values: Mapping[str, Any]) -> None:
    """Raise a ``ProblemError`` if these describe no schedule of a new cron job."""
    try:
        read_schedule(values)
    except InputError as error:
        refuse_schedule(error)


def refuse_schedule(error: InputError) -> NoReturn:
    """Raise a ``ProblemError`` that names the values by their way from the top."""
    refuse_fields(
        [
            FieldError(f"schedule.{name}" if name else "schedule", message)
            for name, message in error.errors.items()
        ]
    )
    raise error
