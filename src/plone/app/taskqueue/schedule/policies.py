"""What happens to times that were missed, and to runs that would overlap."""

from enum import StrEnum


class Misfire(StrEnum):
    """What to do about times at which nobody could run the job.

    The window is a schedule's ``window`` in seconds, counted back from now.
    """

    #: Only the latest, and only within the window (a minute): else it waits for the
    #: next time.
    SKIP = "skip"
    #: Only the latest, however long ago unless a window is given.
    ONCE = "once"
    #: Every one within the window (a day).
    ALL = "all"


class Overlap(StrEnum):
    """What to do when it is time for a run and the one before has not ended."""

    #: Leave this time out, and say so in the history of the cron job.
    SKIP = "skip"
    #: Run when the one before has ended, in the order of their times.
    QUEUE = "queue"
    #: Run beside it.
    ALLOW = "allow"


#: Seconds of the window where a schedule does not give one; ``None``: no limit.
WINDOWS = {Misfire.SKIP: 60.0, Misfire.ONCE: None, Misfire.ALL: 86_400.0}
