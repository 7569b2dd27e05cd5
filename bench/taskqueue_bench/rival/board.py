"""Memory that the benchmark and workers of other queues share."""

from pathlib import Path

import mmap
import os
import time


#: Places of one worker: the round it waits for plus one, its jobs, when the last ended.
_WAITS, _JOBS, _ENDED = range(3)
#: Before them: how many rounds are open, and when the last of them begins.
_OPEN, _BEGINS, _WORKERS = range(3)
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

    def resting(self, number: int) -> bool:
        """Say whether all workers wait for the round, of which the first is 0."""
        return all(waits == number + 1 for waits in self._column(_WAITS))

    def begin(self, number: int) -> float:
        """Let the round begin; return when."""
        begins = self._numbers[_BEGINS] = time.monotonic() + 0.1
        self._numbers[_OPEN] = number + 1
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

    def wait(self, worker: int, number: int, benchmark: int) -> None:
        """Rest until the round begins; costs next to nothing once it has.

        The worker's process ends if that of the benchmark is gone.
        """
        numbers = self._numbers
        if numbers[_OPEN] > number:
            return
        numbers[_WORKERS + 3 * worker + _WAITS] = number + 1
        while numbers[_OPEN] <= number:
            time.sleep(_PAUSE)
            if not _lives(benchmark):
                os._exit(1)
        time.sleep(max(0, numbers[_BEGINS] - time.monotonic()))

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
