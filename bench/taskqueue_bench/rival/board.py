"""Memory that the benchmark and workers of other queues share."""

from pathlib import Path

import mmap
import os
import time


#: Places of one worker: the round it is ready for plus one, its jobs, when the last ended.
_READY, _JOBS, _ENDED = range(3)
#: Before them: how many rounds were called and begun, and when the last begins.
_CALLED, _BEGUN, _BEGINS, _WORKERS = range(4)
#: Seconds between two looks of a worker that rests.
_PAUSE = 0.02


class Board:
    """A mapped file of numbers, each of which has one writer.

    Times are of the clock that all processes of a host share.
    """

    def __init__(self, path: Path):
        with path.open("r+b") as file:
            self._numbers = memoryview(mmap.mmap(file.fileno(), 0)).cast("d")

    @classmethod
    def create(cls, path: Path, workers: int) -> "Board":
        """Make the file."""
        path.write_bytes(bytes(8 * (_WORKERS + 3 * workers)))
        return cls(path)

    # For the benchmark

    def call(self, number: int) -> None:
        """Let the workers get ready for a round, of which the first is 0."""
        self._numbers[_CALLED] = number + 1

    def ready(self, number: int) -> bool:
        """Say whether all workers are."""
        return all(ready == number + 1 for ready in self._column(_READY))

    def begin(self, number: int) -> float:
        """Let the round begin; return when."""
        begins = self._numbers[_BEGINS] = time.monotonic() + 0.1
        self._numbers[_BEGUN] = number + 1
        return begins

    @property
    def jobs(self) -> int:
        """How many jobs all workers have ended."""
        return int(sum(self._column(_JOBS)))

    @property
    def ended(self) -> float:
        """When the last of these ended."""
        return max(self._column(_ENDED))

    def _column(self, which: int) -> list[float]:
        return self._numbers[_WORKERS + which :: 3].tolist()

    # For workers

    def rest(self, number: int, benchmark: int) -> None:
        """Wait until the round is called; if the benchmark is gone, end this process."""
        self._wait(_CALLED, number, benchmark)

    def wait(self, worker: int, number: int, benchmark: int) -> None:
        """Tell that the worker is ready and wait until the round begins."""
        self._numbers[_WORKERS + 3 * worker + _READY] = number + 1
        self._wait(_BEGUN, number, benchmark)
        time.sleep(max(0, self._numbers[_BEGINS] - time.monotonic()))

    def _wait(self, which: int, number: int, benchmark: int) -> None:
        while self._numbers[which] <= number:
            time.sleep(_PAUSE)
            if not _lives(benchmark):
                os._exit(1)

    def note(self, worker: int) -> None:
        """Count a job that has ended now."""
        first = _WORKERS + 3 * worker
        self._numbers[first + _ENDED] = time.monotonic()
        self._numbers[first + _JOBS] += 1


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
