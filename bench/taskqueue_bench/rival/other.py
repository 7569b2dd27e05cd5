"""Other queues as contenders: all jobs are queued first, then workers are started."""

from collections.abc import Callable
from pathlib import Path
from taskqueue_bench.rival.board import Board
from taskqueue_bench.rival.change import Duty
from taskqueue_bench.rival.contender import Contender
from taskqueue_bench.rival.field import Queue
from taskqueue_bench.storages import Place
from typing import Any

import os
import signal
import subprocess
import sys
import time


#: Seconds in which all jobs must be queued, workers start, and a round end.
_PATIENCE = 60
#: Jobs of the first round, which is not timed.
FIRST = 50
#: Jobs for each worker to rest in after the last round, however many it fetches.
_MORE = 10
#: Characters of a worker's output that an error shows.
_TAIL = 1_500


class Other(Contender):
    """Workers of another queue, each a process with one thread.

    A worker rests in the first job of a round, until the round begins: it is connected,
    it has fetched as many jobs as it likes, and its objects are in its cache.  While
    others have their turn it has no database open.
    """

    def __init__(
        self,
        queue: Queue,
        workers: int,
        rounds: int,
        jobs: int,
        place: Place,
        folder: Path,
        server: dict[str, str],
    ):
        super().__init__(queue.name)
        self._queue = queue
        self._jobs = jobs
        self.objects = self._count(rounds)
        self._environ = {
            **os.environ,
            **server,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        self._log = folder / f"{queue.module}.log"
        path = folder / f"{queue.module}.board"
        self._board = Board.create(path, workers)
        self._duties = [
            Duty(place, str(path), worker, queue.name, FIRST, jobs, os.getpid())
            for worker in range(workers)
        ]
        self._processes: list[subprocess.Popen] = []

    def _count(self, number: int) -> int:
        return FIRST + self._jobs * number

    def start(self) -> None:
        self._produce()
        for duty in self._duties:
            self._stack.callback(_kill, self._start(duty))

    def run(self, number: int) -> float:
        self._board.call(number)
        self._wait(lambda: self._board.ready(number), "get ready")
        before, jobs = self._board.jobs, self._count(number)
        begins = self._board.begin(number)
        self._wait(lambda: self._board.jobs >= jobs, "run their jobs")
        return (jobs - before) / (self._board.ended - begins)

    def _produce(self) -> None:
        command = [sys.executable, "-m", f"{__package__}.producer", self._queue.module]
        environ = self._environ | self._duties[0].environ()
        with self._log.open("ab") as log:
            done = subprocess.run(
                [*command, str(self.objects + _MORE * len(self._duties))],
                env=environ,
                stdout=log,
                stderr=log,
                timeout=_PATIENCE,
            )
        if done.returncode:
            raise RuntimeError(f"Its jobs cannot be queued.\n{self._tail()}")

    def _start(self, duty: Duty) -> subprocess.Popen:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                self._queue.command,
                env=self._environ | duty.environ(),
                cwd=self._log.parent,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + _PATIENCE
        while not done():
            if any(process.poll() is not None for process in self._processes):
                raise RuntimeError(f"A worker has ended.\n{self._tail()}")
            if time.monotonic() > until:
                raise RuntimeError(
                    f"Its workers do not {what} within {_PATIENCE} seconds.\n"
                    f"{self._tail()}"
                )
            time.sleep(0.01)

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-_TAIL:]


def _kill(process: subprocess.Popen[Any]) -> None:
    """End a worker and all that it has started; nothing of it is needed any more."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
