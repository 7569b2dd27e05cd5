"""Retry policies of the engine's tests, and jobs that fail for some time."""

from plone.app.taskqueue import local
from plone.app.taskqueue.job.retry import RetryCommonFourTimes
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.functions import stage
from typing import Any

import threading


def fail_times(name: str, times: int, how: str = "fail") -> str:
    """Misbehave in the first ``times`` runs, then have an effect."""
    stage.ran(name)
    if stage.runs[name] <= times:
        functions._ACTS[how](name)
    stage.root["effects"][name].times += 1
    return name


def conflict_always(name: str) -> None:
    functions.conflict(name)


def touch_itself(name: str) -> None:
    """Tell of itself, and fail the first time."""
    local.getJob().annotations["seen"] = stage.runs[name]
    fail_times(name, 1)


class Asked(RetryCommonFourTimes):
    """Writes down what it is asked, and answers what the test has laid out."""

    def _answer(self, failure: Any, data_cache: dict, *rest: Any) -> Any:
        raise NotImplementedError

    def jobError(self, failure: Any, data_cache: dict) -> Any:
        return self._reply("job", failure, data_cache)

    def commitError(self, failure: Any, data_cache: dict) -> Any:
        return self._reply("commit", failure, data_cache)

    def interrupted(self) -> bool:
        stage.asked.append(("interrupted", self.parent.interruptions, None))
        return stage.answers.pop(0) if stage.answers else True

    def _reply(self, kind: str, failure: Any, data_cache: dict) -> Any:
        stage.asked.append((kind, failure.type_name, dict(data_cache)))
        data_cache["count"] = data_cache.get("count", 0) + 1
        return stage.answers.pop(0)


class Raising(RetryCommonFourTimes):
    def jobError(self, failure: Any, data_cache: dict) -> Any:
        raise RuntimeError("no answer")


class Hoarding(RetryCommonFourTimes):
    """Counts with what cannot be kept."""

    def jobError(self, failure: Any, data_cache: dict) -> Any:
        data_cache["lock"] = threading.Lock()
        return True
