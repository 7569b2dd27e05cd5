"""What somebody looks for, and whether a job is that."""

from collections.abc import Iterable
from dataclasses import dataclass
from plone.app.taskqueue.job import keys
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State


#: The states that jobs can be looked for in: those that have a container.
STATES = (
    State.HELD,
    State.SCHEDULED,
    State.PENDING,
    State.LEASED,
    State.WAITING,
    *FINAL,
)

#: Of a user its folder and id, the id alone, or ``""`` for nobody.
Owner = tuple[str, str] | str


@dataclass(frozen=True)
class Wanted:
    """See ``IQueue.search``; ``None`` is anything."""

    site: str | None = None
    owner: Owner | None = None
    function: str | None = None
    context: str | None = None
    error: str | None = None
    start: float | None = None
    stop: float | None = None
    newest_first: bool = True

    @property
    def is_anything(self) -> bool:
        """True if nothing but the time counts."""
        facets = (self.site, self.owner, self.function, self.context, self.error)
        return facets == (None,) * len(facets)

    @property
    def is_path(self) -> bool:
        """True if the context is given by its path, which begins with a slash."""
        return self.context is not None and self.context.startswith("/")

    @property
    def is_in_rows(self) -> bool:
        """True if rows say it all: they know of users and errors the last of the name."""
        return not (
            isinstance(self.owner, tuple)
            or (self.error is not None and "." in self.error)
        )

    @property
    def span(self) -> tuple[int, int]:
        """The lowest and the highest order of jobs of the wanted time."""
        return keys.order_span(self.start, self.stop)

    def fits(self, job: AsyncJob) -> bool:
        """Say whether a job, which can be read, is wanted; its time was looked at."""
        if self.function is not None and job.function_name != self.function:
            return False
        if self.error is not None and not _is_error(self.error, error_of(job)):
            return False
        if (self.site, self.owner, self.context) == (None, None, None):
            return True
        facets = job.facets
        if self.site is not None and facets.site != self.site:
            return False
        if self.context is not None and self.context != (
            facets.path if self.is_path else facets.context
        ):
            return False
        return self.owner is None or _is_owner(self.owner, facets.owner)


def _is_owner(wanted: Owner, owner: tuple[str, str] | None) -> bool:
    if isinstance(wanted, str):
        return wanted == (owner[1] if owner is not None else "")
    return wanted == owner


def _is_error(wanted: str, error: str) -> bool:
    return wanted == (error if "." in wanted else class_name(error))


def class_name(error: str) -> str:
    """Return the last of a dotted name."""
    return error.rpartition(".")[2]


def error_of(job: AsyncJob) -> str:
    """Return the dotted name of the exception that a job failed with, or ``""``."""
    if job.stored_state is not State.FAILED:
        return ""
    failure = job.result
    return failure.type_name if isinstance(failure, Failure) else ""


def checked_states(states: Iterable[State | str]) -> tuple[State, ...]:
    """Return them as states, each once.  ``ValueError``: no job is looked for in one."""
    if isinstance(states, str):
        states = (states,)
    found = tuple(dict.fromkeys(State(state) for state in states))
    for state in found:
        if state not in STATES:
            raise ValueError(
                f"Jobs are looked for in the states {', '.join(STATES)}, and not in "
                f"{str(state)!r}."
            )
    return found
