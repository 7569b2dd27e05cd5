"""What the callbacks of the engine's tests do with the outcome that they are given."""

from plone.app.taskqueue import local
from plone.app.taskqueue.interfaces import IFailure
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.functions import stage
from typing import Any

import logging
import transaction


logger = logging.getLogger("my.addon")


def hear(name: str, outcome: Any) -> str:
    """Write down who heard what."""
    heard = outcome.getErrorMessage() if IFailure.providedBy(outcome) else outcome
    functions.note(f"{name} heard {heard}")
    return f"{name}'s own"


def tick(number: int, outcome: Any) -> None:
    """Count a call in a record that only this callback writes."""
    stage.root["ticks"][number].times += 1


def count(name: str, jobs: tuple) -> None:
    """Write down the results of a batch."""
    results = ", ".join(str(job.result) for job in jobs)
    functions.note(f"{name} heard {len(jobs)} results: {results}")


def act(how: str, name: str, outcome: Any) -> str:
    """Have an effect, and behave as ``how`` says."""
    return functions.act(how, name)


def block(name: str, outcome: Any) -> str:
    """Have an effect; the first call waits until the test lets it go on."""
    return functions.block(name)


def lose_answer(name: str, outcome: Any = None) -> str:
    """Have an effect, kept by a commit that seems to fail the first time."""
    functions.effect(name)
    if stage.take_once(name):
        lost = functions.Refuser("tpc_finish", OSError("the answer was lost"))
        transaction.get().join(lost)
    return name


def return_lock(outcome: Any) -> Any:
    stage.ran("return_lock")
    return functions.unpicklable_result()


def return_queued(outcome: Any) -> Any:
    """Queue a job, and return it."""
    queue = get_queues(stage.connections.current)[""]
    return queue.put(AsyncJob(functions.give, f"more than {outcome}"), ())


def return_new(outcome: Any) -> Any:
    return AsyncJob(functions.give, 1)


def queue_effect(how: str, outcome: Any) -> None:
    """Queue a job that has an effect, and behave."""
    queue = get_queues(stage.connections.current)[""]
    queue.put(AsyncJob(functions.effect, "job 1"), ())
    functions.act(how, "job 2")


def call_back_myself(name: str) -> str:
    """As a job, add a callback to it."""
    functions.effect(name)
    local.getJob().addCallback(AsyncJob(hear, f"{name}'s callback"))
    return name


def add_to_parent(outcome: Any) -> None:
    """As a callback, add another to its parent and one to itself."""
    job = stage.callback
    functions.note("adds")
    job.parent.addCallback(AsyncJob(hear, "sibling"))
    job.addCallback(AsyncJob(hear, "child"))


def fail_loudly(outcome: Any) -> None:
    logger.warning("about to fail")
    raise functions.Particular("loudly")


def sleep_beyond(outcome: Any) -> None:
    """Take longer than a limit of a millisecond."""
    functions.effect("job 1")
    stage.event("never").wait(0.05)


class Bearer:
    """An object whose method is called."""

    def __init__(self, name: str):
        self.name = name

    def hear(self, outcome: Any) -> str:
        return hear(self.name, outcome)


def hear_bound(job: Any, name: str, outcome: Any) -> None:
    hear(f"{job.parent.function_name.partition(':')[2]}'s {name}", outcome)


def spoil(how: str, outcome: Any) -> None:
    """End or doom the transaction of the test's own connection."""
    getattr(stage.connections.current.transaction_manager, how)()


def call_back(job_id: int) -> None:
    """As a job, add a callback to another."""
    queue = get_queues(stage.connections.current)[""]
    queue.get(job_id).addCallback(AsyncJob(hear, "other"))
