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


class Process:
    """A child process, from its start to its end.

    A fresh interpreter and no fork: the parent has threads and would hand down locks and
    connections, and it may run for months while the code on the disk is replaced.
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
        mine, its = socket.socketpair()
        self._popen = subprocess.Popen(
            # -P: what lies about where the command was called is not to be imported.
            [sys.executable, "-P", "-m", _MODULE, str(its.fileno())],
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
            # What ends the parent from a terminal is not for the children.
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        its.close()
        self.wire = Wire(mine)
        self.wire.tell(**order, python_path=os.environ.get("PYTHONPATH"))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    def stop(self, why: str) -> None:
        """Let it finish what runs and end; does not wait."""
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

    def hear(self) -> bool:
        """Take note of what it says, once there is something; false at its end."""
        messages = self.wire.receive()
        if messages is None:
            return False
        for message in messages:
            if message["event"] == "failed":
                self.complaint = message["message"], message["status"]
            else:
                self.last_sign = time.monotonic()
                self.workers = message["workers"]
                self.ready = message["ready"] and self.stopping is None
                if self.ready and not self.was_ready:
                    logger.info("Process %s is ready.", self.pid)
                    self.was_ready = True
        return True

    def poll(self) -> int | None:
        """Return its exit status, negative for a signal; ``None`` while it runs."""
        return self._popen.poll()

    def close(self) -> None:
        """Hear its last words, after its end."""
        self.wire.read_rest()
        while self.hear():
            continue
        self.ready = False
        self.wire.close()

    def seconds(self) -> float:
        """Return for how long it has run."""
        return time.monotonic() - self.began

    def memory_mb(self) -> float | None:
        """Return the megabytes of memory it has; ``None`` if that cannot be said."""
        size = resident_bytes(self.pid)
        return None if size is None else size / 1_000_000
