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


@cache
def _duty() -> Duty:
    return Duty.mine()


@cache
def _board() -> Board:
    return Board(Path(_duty().board))


@cache
def _database() -> DB:
    """Open the database, once in a process; its pool keeps one warm connection."""
    duty = _duty()
    database = duty.place.open()
    with database.transaction() as connection:
        load(connection, duty.owner)
    return database


def change(number: int) -> None:
    """Change one object and commit, in the round that the job belongs to."""
    duty, board, database = _duty(), _board(), _database()
    board.wait(duty.worker, duty.round(number), duty.benchmark)
    with database.transaction() as connection:
        connection.root()[duty.owner][number].value += 1
    board.note(duty.worker)
