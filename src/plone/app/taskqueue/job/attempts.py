"""What became of the runs of a job that did not end it."""

from plone.app.taskqueue.job import payload
from plone.app.taskqueue.job.record import Record
from typing import Any
from typing import NamedTuple


#: Attempts kept with a job: the last ones.
ATTEMPTS_LIMIT = 20
#: Longest reason and traceback kept of an attempt, in characters.
REASON_LIMIT = 300
TRACEBACK_LIMIT = 4_000


class Attempt(NamedTuple):
    """One run that did not end its job."""

    #: When it began, in seconds since the epoch.
    started: float
    #: When it was over, or was known to be.
    finished: float
    #: Id of the worker.
    worker: str
    #: The error in a line, or what happened to the worker.
    reason: str
    #: The traceback; empty for a conflict or an interruption.
    traceback: str = ""


class Attempts(Record):
    """The attempts of a job."""

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return tuple(Attempt(*values) for values in self.extra("attempts", ()))

    @property
    def has_begun(self) -> bool:
        """True if a worker has run it before, or died while it held it."""
        return self.interruptions > 0 or self.extra("attempts") is not None

    def record_attempts(self, attempts: list[Attempt], data: dict[str, Any]) -> None:
        """Keep attempts and what their policy counted; for the engine alone."""
        if attempts:
            kept = (*self.extra("attempts", ()), *(tuple(one) for one in attempts))
            self.set_extra("attempts", kept[-ATTEMPTS_LIMIT:])
        if data != self.policy_data:
            self.set_extra("policy", payload.dump(data, "What a retry policy counts"))

    @property
    def policy_data(self) -> dict[str, Any]:
        """What the retry policy counts, kept between attempts; a copy."""
        try:
            return payload.load(self.extra("policy"), None, "What it counts") or {}
        except LookupError:
            # It held something of a class that is gone, and counts anew.
            return {}
