"""Asking a retry policy as the engine does, without a job that runs."""

from collections.abc import Callable
from datetime import timedelta
from plone.app.taskqueue.job.failure import Failure
from typing import Any


class Job:
    """As much of a job as a policy reads."""

    id = 12
    interruptions = 0


def asked(
    factory: Callable, *errors: BaseException, how: tuple[str, ...] = ("jobError",)
) -> list[Any]:
    """Tell fresh policies of one error after the other; return what they answer."""
    data: dict[str, Any] = {}
    answers = []
    for number, error in enumerate(errors):
        policy = factory(Job())
        ask = getattr(policy, how[number % len(how)])
        answers.append(ask(Failure(error), data))
    return answers


def interrupted(factory: Callable, times: int) -> Any:
    job = Job()
    job.interruptions = times
    return factory(job).interrupted()


def seconds(*values: float) -> list[timedelta]:
    return [timedelta(seconds=value) for value in values]
