"""The parent's view of one child process."""

from collections.abc import Mapping
from plone.app.taskqueue.worker.memory import resident_bytes
from plone.app.taskqueue.worker.wire import Wire
from typing import Any

import logging
import os
import signal
import socket
import subprocess
import sys
import time


logger = logging.getLogger("plone.app.taskqueue.worker")

_MODULE = "plone.app.taskqueue.worker.child"

#: Seconds in which a process shows its threads before it is killed.
_LAST_LOOK = 0.5


class Process:
    """A child process, from its start to its end.

    A fresh interpreter and no fork: the parent has threads and would hand down locks and
    connections, and it may run for months while the code on the disk is replaced.
    ``OSError``: the machine has no room for another process.
    """

    def __init__(self, order: Mapping[str, Any]):
        self.began = time.monotonic()
        #: True once it has said that it runs jobs.
        self.was_ready = False
        #: True while it runs jobs, as far as it says.
        self.ready = False
        #: When it last gave a sign of life; ``None`` while it has not begun to.
        self.last_sign: float | None = None
        #: The ids under which it held leases, as far as it said.
        self.workers: list[str] = []
        #: What it said of why it cannot start, and the exit status that goes with it.
        self.complaint: tuple[str, int] | None = None
        #: Why it was told to stop; ``None`` while it was not.
        self.stopping: str | None = None
        #: The ids of dead workers whose jobs it was to take.
        self.buries: list[str] = list(order["dead"])
        #: True once it was said that its start takes long.
        self.starts_long = False
        #: When it should have stopped; ``None``: whenever its jobs have ended.
        self._stop_by: float | None = None
        #: When it is killed; ``None`` while it is not to be.
        self._kill_at: float | None = None
        mine, its = socket.socketpair()
        try:
            self._popen = subprocess.Popen(
                # -P: what lies about where the command was called is not imported.
                [sys.executable, "-P", "-m", _MODULE, str(its.fileno())],
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                # What ends the parent from a terminal is not for the children.
                start_new_session=True,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                },
            )
        except BaseException:
            mine.close()
            raise
        finally:
            its.close()
        self.wire = Wire(mine)
        self.wire.tell(**order, python_path=os.environ.get("PYTHONPATH"))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    def stop(self, why: str, seconds: float | None) -> None:
        """Let it finish what runs, for at most so long, and end; does not wait."""
        if self.stopping is None and seconds is not None:
            self._stop_by = time.monotonic() + seconds
        self.stopping = why
        self.ready = False
        self.wire.tell(order="stop")

    def end(self) -> None:
        """Let it end at once, and give up what runs; does not wait."""
        self.stopping = self.stopping or "end"
        self.ready = False
        self.wire.tell(order="end")

    def kill(self) -> None:
        """End it without asking."""
        self._popen.send_signal(signal.SIGKILL)

    def show_and_kill(self) -> None:
        """Let it write to the log where its threads are, and kill it a moment later."""
        self._kill_at = time.monotonic() + _LAST_LOOK
        self._popen.send_signal(signal.SIGQUIT)

    @property
    def is_ending(self) -> bool:
        """True once it is certain to be killed."""
        return self._kill_at is not None

    def hear(self) -> bool:
        """Take note of what it says, once there is something; false at its end."""
        messages = self.wire.receive()
        if messages is None:
            return False
        for message in messages:
            event = message.get("event")
            if event == "failed":
                self.complaint = message["message"], message["status"]
            elif event == "joins":
                self.workers = message["workers"]
            elif event == "alive":
                self.last_sign = time.monotonic()
                self.workers = message["workers"]
                self.ready = message["ready"] and self.stopping is None
                if self.ready and not self.was_ready:
                    logger.info("Process %s is ready.", self.pid)
                    self.was_ready = True
        return True

    def poll(self) -> int | None:
        """Return its exit status, negative for a signal; ``None`` while it runs."""
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self.kill()
        return self._popen.poll()

    def close(self) -> None:
        """Hear its last words, after its end."""
        self.wire.read_rest()
        while self.hear():
            continue
        self.ready = False
        self.wire.close()

    def excuse(self, seconds: float) -> None:
        """Do not count some seconds in which it could not be heard."""
        if self.last_sign is not None:
            self.last_sign += seconds
        if self._stop_by is not None:
            self._stop_by += seconds

    def silent_seconds(self) -> float | None:
        """Return for how long it gave no sign of life; ``None`` if it never gave one."""
        return None if self.last_sign is None else time.monotonic() - self.last_sign

    def overdue_seconds(self) -> float:
        """Return for how long it should have stopped; 0 if it may go on."""
        if self._stop_by is None:
            return 0.0
        return max(0.0, time.monotonic() - self._stop_by)

    def seconds(self) -> float:
        """Return for how long it has run."""
        return time.monotonic() - self.began

    def describe(self) -> dict[str, Any]:
        """Return what orchestrators are told of it."""
        return {
            "pid": self.pid,
            "ready": self.ready,
            "stopping": self.stopping,
            "memory_mb": round(self.memory_mb() or 0),
        }

    def memory_mb(self) -> float | None:
        """Return the megabytes of memory it has; ``None`` if that cannot be said."""
        size = resident_bytes(self.pid)
        return None if size is None else size / 1_000_000
