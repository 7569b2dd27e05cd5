"""The job of a service: a named task with an input, and the words that it is told in.

One record and one state machine with all other jobs; what differs is how it is called,
by which number it is known, and how its state reads.
"""

from collections.abc import Callable
from datetime import datetime
from plone.app.taskqueue import interfaces
from plone.app.taskqueue.interfaces import IJob
from plone.app.taskqueue.interfaces import ISurroundings
from plone.app.taskqueue.job import payload
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.facets import Facets
from plone.app.taskqueue.job.facets import HERE
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from typing import Any
from zope.component import queryUtility
from zope.interface import implementer


#: What the function names of such jobs begin with, so that they read as what they are.
PREFIX = "task:"

_WORDS = {
    State.HELD: interfaces.STARTLATER,
    State.SCHEDULED: interfaces.QUEUED,
    State.PENDING: interfaces.QUEUED,
    State.WAITING: interfaces.PROCESSING,
    State.CALLBACKS: interfaces.PROCESSING,
    State.COMPLETED: interfaces.COMPLETED,
    State.FAILED: interfaces.ERROR,
    State.CANCELLED: interfaces.CANCELLED,
}


#: States of jobs that have run, as somebody.
_RAN = (State.COMPLETED, State.FAILED)


@implementer(IJob)
class Job(AsyncJob):
    """See ``IJob``.  ``Job(id, task, input)``."""

    def __init__(self, id: int, task: str, input: Any):
        self.__setstate__(())
        self.function_name = f"{PREFIX}{task}"
        self._arguments = payload.dump(input, f"The input of task {task!r}")
        self.set_extra("number", id)

    @property
    def id(self) -> int:
        return self.extra("number")

    @property
    def task(self) -> str:
        return self.function_name.removeprefix(PREFIX)

    @property
    def input(self) -> Any:
        what = f"The input of job {self.id} (task {self.task!r})"
        return payload.load(self._arguments, self._p_jar, what)

    def _load_arguments(self) -> tuple[tuple, dict]:
        return (self.input,), {}

    @property
    def args(self) -> tuple:
        return self.arguments

    # Whose rights it has

    @property
    def captured(self) -> tuple | None:
        """What its service has written down of where and by whom it was queued."""
        return self.extra("captured")

    @property
    def surroundings(self) -> tuple | None:
        # The service's place and user are those of the moment.
        queue = self.queue
        return None if queue is None else queue.service.surroundings_of(self)

    @property
    def user(self) -> tuple[str, str] | None:
        if self.stored_state in _RAN:
            return self.extra("ran_as")
        queue = self.queue
        return None if queue is None else queue.service.user_of(self)

    @property
    def facets(self) -> Facets:
        return super().facets._replace(owner=self.user)

    @property
    def stored_facets(self) -> Facets | None:
        facets = Facets(site=HERE)
        if self.captured is not None:
            known = queryUtility(ISurroundings)
            if known is None:
                return None
            facets = Facets(*known.facets(self.captured))
        if self.stored_state in _RAN:
            return facets._replace(owner=self.extra("ran_as"))
        if not self.extra("as_caller"):
            return facets._replace(owner=(HERE, HERE))
        return facets

    def succeed(self, result: bytes | None) -> None:
        super().succeed(result)
        self._keep_user()

    def blame(self, failure: Failure) -> None:
        super().blame(failure)
        self._keep_user()

    def _keep_user(self) -> None:
        if self.queue is not None:
            self.set_extra("ran_as", self.queue.service.user_of(self))

    # Its queue, which knows it without a database too

    @property
    def queue(self) -> Any:
        return self.extra("home")

    def belong_to(self, queue: Any) -> None:
        """Write down whose job it is; for ``queue.taskqueue`` alone."""
        self.set_extra("home", queue)

    @property
    def was_undone(self) -> bool:
        queue = self.queue
        return self._p_jar is None and queue is not None and queue._p_jar is not None

    @property
    def callable(self) -> Callable:
        return self.run

    def run(self, *leading: Any) -> Any:
        """Let the service call the task."""
        return self.queue.service.perform(self, *leading)

    # In the words of tasks

    @property
    def status(self) -> str | None:
        state = self.state
        if state is State.LEASED:
            # Its worker has several, and runs them in order.
            at = self.queue.is_at(self)
            return interfaces.PROCESSING if at else interfaces.QUEUED
        return _WORDS.get(state)

    @property
    def output(self) -> Any:
        return self.result if self.stored_state is State.COMPLETED else None

    @property
    def error(self) -> str | None:
        if self.stored_state is not State.FAILED:
            return None
        return self.result.getErrorMessage()

    @property
    def completed(self) -> datetime | None:
        return self.finished

    @property
    def has_ended(self) -> bool:
        """True if there will be no further run of it."""
        return self.stored_state in FINAL

    def __repr__(self) -> str:
        try:
            number = self.id
        except Exception:
            # Its record may be unreadable, and a repr must never raise.
            number = "(cannot be read)"
        return f"<{type(self).__name__} {number}>"
