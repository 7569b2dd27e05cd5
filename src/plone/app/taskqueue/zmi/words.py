"""What states of jobs are called, and which sign they have: never a colour alone."""

from plone.app.taskqueue import _
from plone.app.taskqueue import interfaces
from plone.app.taskqueue.job.states import State
from typing import Any
from typing import NamedTuple


class Word(NamedTuple):
    """What a state is called, with a sign of Font Awesome and a class of Bootstrap."""

    text: Any
    icon: str
    badge: str


_RUNNING = Word(_("zmi_running", default="Running"), "fa-play", "badge-primary")
_WAITING = Word(_("zmi_waiting", default="Waiting"), "fa-hourglass-half", "badge-light")
_SCHEDULED = Word(_("zmi_scheduled", default="Scheduled"), "fa-clock", "badge-info")
_FAILED = Word(
    _("zmi_failed", default="Failed"), "fa-exclamation-triangle", "badge-danger"
)
_COMPLETED = Word(_("zmi_completed", default="Completed"), "fa-check", "badge-success")
_CANCELLED = Word(_("zmi_cancelled", default="Cancelled"), "fa-ban", "badge-secondary")

#: The groups of ``administration.GROUPS``.
GROUP_WORDS: dict[str, Word] = {
    "running": _RUNNING,
    "waiting": _WAITING,
    "scheduled": _SCHEDULED,
    "failed": _FAILED,
    "completed": _COMPLETED,
    "cancelled": _CANCELLED,
}

#: The statuses of jobs of services.
STATUS_WORDS: dict[str, Word] = {
    interfaces.QUEUED: _WAITING._replace(text=_("zmi_status_queued", default="Queued")),
    interfaces.PROCESSING: _RUNNING._replace(
        text=_("zmi_status_processing", default="Processing")
    ),
    interfaces.DELAYED: _SCHEDULED._replace(
        text=_("zmi_status_delayed", default="Delayed")
    ),
    interfaces.CRONJOB: _SCHEDULED._replace(
        text=_("zmi_status_cronjob", default="Cron job")
    ),
    interfaces.STARTLATER: Word(
        _("zmi_status_start_later", default="Start later"), "fa-pause", "badge-info"
    ),
    interfaces.COMPLETED: _COMPLETED,
    interfaces.ERROR: _FAILED._replace(text=_("zmi_status_error", default="Error")),
    interfaces.CANCELLED: _CANCELLED,
}

#: What the steps of a job's story are called.
STEP_WORDS: dict[str, Any] = {
    "queued": _("zmi_step_queued", default="Queued"),
    "tried": _("zmi_step_tried", default="Tried"),
    "due": _("zmi_step_due", default="Due"),
    "began": _("zmi_step_began", default="Began"),
    str(State.COMPLETED): _COMPLETED.text,
    str(State.FAILED): _FAILED.text,
    str(State.CANCELLED): _CANCELLED.text,
}
