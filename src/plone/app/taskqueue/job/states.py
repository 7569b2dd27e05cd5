"""The states of a job, and the words for them that the old systems taught."""

from enum import StrEnum


class State(StrEnum):
    """Where a job stands.  A job's container decides; its record repeats it."""

    #: Made, not queued.
    NEW = "new"
    #: It waits until somebody starts it.
    HELD = "held"
    #: In the schedule, until its time has come.
    SCHEDULED = "scheduled"
    #: In a lane, may run.
    PENDING = "pending"
    #: In a worker's lease: it waits there for its turn or runs.
    LEASED = "leased"
    #: It waits for other jobs, and holds no worker meanwhile.
    WAITING = "waiting"
    #: What became of it is known, and its callbacks are to be called.
    CALLBACKS = "callbacks"
    #: Its callable returned and the transaction was committed.
    COMPLETED = "completed"
    #: It raised, or could not be run; the failure is kept.
    FAILED = "failed"
    #: Somebody cancelled it before it had done anything.
    CANCELLED = "cancelled"


#: What a job that is over can be.
FINAL = (State.COMPLETED, State.FAILED, State.CANCELLED)

#: What a job can be that has not ended and is queued.
OPEN = (
    State.HELD,
    State.SCHEDULED,
    State.PENDING,
    State.LEASED,
    State.WAITING,
    State.CALLBACKS,
)

#: One byte a state, for records.  Never renumber: old records are read with it.
#: Where a job that says ``PENDING`` really stands its container tells, because moving
#: it between containers shall not cost its record.
CODES = {
    State.NEW: 0,
    State.PENDING: 1,
    State.COMPLETED: 2,
    State.FAILED: 3,
    State.CANCELLED: 4,
    State.CALLBACKS: 5,
    State.HELD: 6,
}
BY_CODE = {code: state for state, code in CODES.items()}

#: zc.async's word for a job that runs, as far as others can know: no commit tells.
ACTIVE_WORD = "active-status"

#: zc.async's words.  It had none for failed and cancelled: those are completed.
ASYNC_WORDS = {
    State.NEW: "new-status",
    State.HELD: "new-status",
    State.SCHEDULED: "pending-status",
    State.PENDING: "pending-status",
    State.LEASED: "assigned-status",
    State.WAITING: ACTIVE_WORD,
    State.CALLBACKS: "callback-status",
    State.COMPLETED: "completed-status",
    State.FAILED: "completed-status",
    State.CANCELLED: "completed-status",
}
