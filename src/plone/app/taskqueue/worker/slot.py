"""One place for a process of a worker: it is filled again whenever it gets empty."""

from plone.app.taskqueue.worker.errors import CUT_OFF
from plone.app.taskqueue.worker.errors import OK
from plone.app.taskqueue.worker.process import Process

import logging
import signal
import time


logger = logging.getLogger("plone.app.taskqueue.worker")

#: Seconds after which a process counts as one that did well.
_WELL = 60.0
#: Most seconds between the end of a process and the start of the next.
_LONGEST_PAUSE = 60.0
#: The same where it had run jobs: what ends it is one of them, most likely, and that is
#: not tried for ever, while all others wait.
_LONGEST_PAUSE_OF_READY = 4.0
#: Ends in a row after which it is said that something is wrong.
_LOOP = 5


class Slot:
    """A process, or the time at which there is to be one."""

    def __init__(self) -> None:
        self.process: Process | None = None
        #: No process is started any more.
        self.closed = False
        self._ends = 0
        self._due = 0.0

    @property
    def wanted(self) -> bool:
        """True if it is time to start a process."""
        return (
            not self.closed and self.process is None and time.monotonic() >= self._due
        )

    def ended(self, process: Process, status: int) -> None:
        """Its process has ended; says when, and why, there will be another one."""
        self.process = None
        self._due = 0.0
        did_well = process.was_ready and process.seconds() > _WELL
        if process.stopping == "memory" and not did_well:
            logger.error(
                "Process %s had grown above memory-mb %.0f seconds after its start. "
                "Another one is started in %g seconds. If that goes on, memory-mb is less "
                "than a process needs.",
                process.pid,
                process.seconds(),
                self._pause(process),
            )
            return
        if process.stopping is not None:
            self._ends = 0
            if status not in (OK, CUT_OFF):
                logger.warning(
                    "Process %s has stopped, but not in order: %s.",
                    process.pid,
                    _end(status),
                )
            return
        if did_well:
            self._ends = 0
        if status == CUT_OFF:
            logger.error(
                "Process %s has ended itself because a job in it did not answer when "
                "its time was up. Another one is started.",
                process.pid,
            )
            return
        pause = self._pause(process)
        logger.log(
            logging.CRITICAL if self._ends >= _LOOP else logging.ERROR,
            "Process %s %s: %s. %s in %g seconds.%s",
            process.pid,
            "has ended" if process.was_ready else "could not start",
            (process.complaint or (_end(status),))[0].rstrip("."),
            "Another one is started" if process.was_ready else "It is tried again",
            pause,
            f" That was {self._ends} times in a row." if self._ends >= _LOOP else "",
        )

    def start_over(self) -> None:
        """Wait no more: what went wrong may have been put right."""
        self._ends = 0
        self._due = 0.0

    def failed(self, error: OSError) -> None:
        """No process could be started; says when it is tried again."""
        logger.error(
            "No process can be started: %s. It is tried again in %g seconds.",
            error,
            self._pause(None),
        )

    def _pause(self, process: Process | None) -> float:
        """Count an end; return for how many seconds there is no process."""
        self._ends += 1
        was_ready = process is not None and process.was_ready
        longest = _LONGEST_PAUSE_OF_READY if was_ready else _LONGEST_PAUSE
        # One that did well is replaced at once.
        at_once = was_ready and self._ends == 1
        pause = 0.0 if at_once else min(longest, 2.0 ** (self._ends - 1))
        self._due = time.monotonic() + pause
        return pause


def _end(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"ended by signal {signal.Signals(-status).name}"
    except ValueError:
        return f"ended by signal {-status}"
