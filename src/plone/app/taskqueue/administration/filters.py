"""What people look for among the jobs."""

from dataclasses import dataclass
from datetime import datetime
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.job.states import State


#: The words under which states are listed, in the order of tabs.
GROUPS: dict[str, tuple[State, ...]] = {
    "running": (State.LEASED,),
    "waiting": (State.PENDING, State.WAITING),
    "scheduled": (State.SCHEDULED, State.HELD),
    "failed": (State.FAILED,),
    "completed": (State.COMPLETED,),
    "cancelled": (State.CANCELLED,),
}

_GROUP_OF = {state: group for group, states in GROUPS.items() for state in states}


def group_of(job: IAsyncJob) -> str:
    """Return the word under which a job is listed."""
    return _GROUP_OF.get(job.state, "waiting")


@dataclass(frozen=True)
class JobFilter:
    """Which jobs are meant: those that fit all that is given."""

    #: One of ``GROUPS``, or empty for all.
    group: str = ""
    #: Several of them, which counts where ``group`` is empty; none: all.
    groups: tuple[str, ...] = ()
    #: Name of a queue as people write it: ``default`` is the one without a name.
    queue: str = ""
    #: ``module:name``, or ``task:name`` for a task.
    function: str = ""
    #: Id of the user.
    user: str = ""
    #: Path of an object within the site, such as ``/news``; or its UUID.
    context: str = ""
    #: Name of the exception's class, with or without its module.
    error: str = ""
    #: Letters that are in the function, the user, the path or the error.
    text: str = ""
    #: When it was queued, or, of those that have ended, when it ended.
    since: datetime | None = None
    until: datetime | None = None
    newest_first: bool = True

    def __post_init__(self) -> None:
        for group in (self.group, *self.groups):
            if group and group not in GROUPS:
                raise ValueError(
                    f"There are no jobs that are {group!r}; there are "
                    f"{', '.join(GROUPS)}."
                )
        for name in ("since", "until"):
            value = getattr(self, name)
            if value is not None and value.tzinfo is None:
                raise ValueError(f"{name} is a time with a time zone, not {value!r}.")

    @property
    def states(self) -> tuple[State, ...]:
        """The states that are meant."""
        if self.group:
            return GROUPS[self.group]
        groups = self.groups or GROUPS
        return tuple(state for group in groups for state in GROUPS[group])

    @property
    def is_narrow(self) -> bool:
        """True if it asks for more than a group."""
        return bool(
            self.queue
            or self.function
            or self.user
            or self.context
            or self.error
            or self.text
            or self.since
            or self.until
        )

    def has_text(self, job: IAsyncJob, why: str) -> bool:
        """Say whether the letters that are looked for are in what is told of a job.

        ``why`` it failed, as far as that is told to whoever looks.
        """
        return not self.text or self.text.casefold() in _text_of(job, why)


#: All jobs.
ANY = JobFilter()


def error_of(job: IAsyncJob) -> str:
    """Return the dotted name of the class that a job failed with; else empty."""
    if job.stored_state is not State.FAILED:
        return ""
    return job.result.type_name


def _text_of(job: IAsyncJob, why: str) -> str:
    facets = job.facets
    owner = facets.owner[1] if facets.owner else ""
    return "\n".join((job.function_name, facets.path, owner, why)).casefold()
