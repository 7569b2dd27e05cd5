"""Waking idle threads, one for each ring, so that none rings for nothing."""

import threading


class Bell:
    """Counts rings that nobody has answered yet, up to the number of threads."""

    def __init__(self, threads: int):
        self._threads = threads
        self._rings = 0
        self._closed = False
        self._condition = threading.Condition()

    def ring(self) -> None:
        """Wake one waiting thread, or the next that would wait.  Never blocks long."""
        with self._condition:
            if self._rings < self._threads:
                self._rings += 1
                self._condition.notify()

    def wait(self, seconds: float | None = None) -> None:
        """Return at the next ring, or at once if one was not answered yet.

        Returns after ``seconds`` in any case.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._rings or self._closed, seconds)
            if self._rings:
                self._rings -= 1

    def close(self) -> None:
        """Let everybody go, now and later."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
