"""What the jobs of other queues do, in a worker that one of them has started."""

from dataclasses import asdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from taskqueue_bench.rival.board import Board
from taskqueue_bench.rival.objects import load
from taskqueue_bench.storages import Place
from ZODB.DB import DB

import json
import os


_VARIABLE = "TASKQUEUE_BENCH_WORKER"


@dataclass(frozen=True)
class Duty:
    """What a worker is told, in a variable of its environment."""

    place: Place
    #: Path of the board, and the worker's number there.
    board: str
    worker: int
    #: Whose objects are changed.
    owner: str
    #: Jobs of the first round, and of each that follows.
    first: int
    jobs: int
    #: The process that a worker must not outlive.
    benchmark: int

    def environ(self) -> dict[str, str]:
        """Return the variable that tells it."""
        return {_VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def mine(cls) -> "Duty":
        """Return what this process was told."""
        values = json.loads(os.environ[_VARIABLE])
        return cls(**{**values, "place": Place(**values["place"])})

    def round(self, number: int) -> int:
        """Return in which round a job runs."""
        return 0 if number < self.first else 1 + (number - self.first) // self.jobs

    def numbers(self, number: int) -> tuple[int, int]:
        """Return the first job of a round and the first of the next."""
        end = self.first + self.jobs * number
        return (end - self.jobs if number else 0), end


class _Worker:
    """This process: its database is open while it has its turn."""

    def __init__(self) -> None:
        self.duty = Duty.mine()
        self.board = Board(Path(self.duty.board))
        self.database: DB | None = None
        self._round = -1

    def enter(self, number: int) -> None:
        """Be in a round or a later one; rest until it begins."""
        if number <= self._round:
            return
        duty = self.duty
        if self.database is not None:
            # A ZEO server would go on telling it of all that the others change.
            self.database.close()
        self.board.rest(number, duty.benchmark)
        self.database = duty.place.open()
        # The pool gives this connection to one job after the other.
        with self.database.transaction() as connection:
            load(connection, duty.owner, *duty.numbers(number))
        self.board.wait(duty.worker, number, duty.benchmark)
        self._round = number


@cache
def _worker() -> _Worker:
    return _Worker()


def change(number: int) -> None:
    """Change one object and commit, in the round that the job belongs to."""
    worker = _worker()
    duty = worker.duty
    worker.enter(duty.round(number))
    with worker.database.transaction() as connection:
        connection.root()[duty.owner][number].value += 1
    worker.board.note(duty.worker)
