"""What the parent of a worker waits for: signals, and what its processes say."""

from collections.abc import Iterable
from plone.app.taskqueue.worker.process import Process
from typing import Any

import selectors
import signal
import socket


class Hearing:
    """A context manager that takes over some signals; for the main thread."""

    def __init__(self, numbers: Iterable[int]):
        self._numbers = tuple(numbers)
        self._came: list[int] = []
        self._selector = selectors.DefaultSelector()
        self._mine, self._wakes = socket.socketpair()
        for end in (self._mine, self._wakes):
            end.setblocking(False)
        self._selector.register(self._mine, selectors.EVENT_READ)

    def __enter__(self) -> "Hearing":
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        for number in self._numbers:
            signal.signal(number, lambda number, frame: self._came.append(number))
        return self

    def __exit__(self, *error: Any) -> None:
        # The handlers stay: a late signal is no reason to end in another way.
        signal.set_wakeup_fd(-1)
        self._selector.close()

    def signals(self) -> Iterable[int]:
        """Yield the signals that came, in order, also those that come meanwhile."""
        while self._came:
            yield self._came.pop(0)

    def add(self, process: Process) -> None:
        """Hear that process from now on."""
        self._selector.register(process.wire, selectors.EVENT_READ, data=process)

    def remove(self, process: Process) -> None:
        """Hear it no more, before its wire is closed."""
        if process.wire.fileno() in self._selector.get_map():
            self._selector.unregister(process.wire)

    def wait(self, seconds: float) -> None:
        """Wait until something is heard, at most so long, and let it be noted."""
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._mine.recv(4096)
            elif not key.data.hear():
                self._selector.unregister(key.fileobj)
