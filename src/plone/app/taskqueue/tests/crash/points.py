"""Points of a job's life at which its process tells the test and waits for its fate."""

from collections.abc import Callable
from typing import Any

import json
import os
import select
import sys
import threading
import time


#: Set by SIGUSR1: whoever waits at a point goes on.
released = threading.Event()

#: The file descriptor that the test listens at.
ear = 1


def keep_stdout() -> None:
    """Let nobody but ``say`` write to the test: what others print goes to stderr.

    RelStorage prints notices of PostgreSQL, such as the last one of a server that dies.
    """
    global ear
    sys.stdout.flush()
    ear = os.dup(1)
    os.dup2(2, 1)


def say(event: str, **details: Any) -> None:
    """Write one line to the test; short enough for the pipe to keep it whole."""
    details.update(event=event, pid=os.getpid(), at=time.monotonic())
    line = json.dumps(details).encode() + b"\n"
    assert len(line) <= select.PIPE_BUF, f"Too long for a pipe: {line!r}"
    os.write(ear, line)


def stand(point: str, number: int) -> None:
    """Say where the job stands, and wait to be killed or released."""
    say("stands", point=point, number=number)
    released.wait()
    released.clear()


class _Witness:
    """A data manager that reaches its point at one step of the commit."""

    def __init__(self, step: str, sort_key: str, reached: Callable[[], None]):
        self._step = step
        self._sort_key = sort_key
        self._reached = reached

    def sortKey(self) -> str:
        return self._sort_key

    def _take(self, step: str) -> None:
        if step == self._step:
            self._reached()

    def tpc_begin(self, transaction: Any) -> None:
        self._take("begin")

    def commit(self, transaction: Any) -> None:
        self._take("commit")

    def tpc_vote(self, transaction: Any) -> None:
        self._take("vote")

    def tpc_finish(self, transaction: Any) -> None:
        self._take("finish")

    def abort(self, transaction: Any) -> None:
        pass

    tpc_abort = abort


#: Sort keys before and after those of all databases.
_BEFORE, _AFTER = "", "~"


def _in_commit(step: str, sort_key: str) -> Callable:
    def arrange(transaction: Any, reached: Callable[[], None]) -> None:
        transaction.join(_Witness(step, sort_key, reached))

    return arrange


def _inside(transaction: Any, reached: Callable[[], None]) -> None:
    reached()


def _between(transaction: Any, reached: Callable[[], None]) -> None:
    transaction.addBeforeCommitHook(reached)


def _after(transaction: Any, reached: Callable[[], None]) -> None:
    transaction.addAfterCommitHook(lambda success: reached())


_POINTS = {
    #: In the job's own code, after its effect was written to the connection.
    "inside": _inside,
    #: The job has returned and its outcome is written; the commit begins.
    "between": _between,
    #: The storage has the data and has not been asked to vote.
    "voting": _in_commit("vote", _BEFORE),
    #: The storage has voted: only "finish" is missing.
    "voted": _in_commit("vote", _AFTER),
    #: As before, in the second phase.
    "finishing": _in_commit("finish", _BEFORE),
    #: The storage has finished; the transaction's other parts have not.
    "finished": _in_commit("finish", _AFTER),
    #: After the commit, before the worker does anything else.
    "after": _after,
}

#: Points after which the outcome is known to be kept.
KEPT = frozenset({"finished", "after"})


def arrange(point: str, transaction: Any, number: int) -> None:
    """Let the job stand at that point of its transaction."""
    arrange_here(point, transaction, lambda: stand(point, number))


def arrange_here(point: str, transaction: Any, reached: Callable[[], None]) -> None:
    """Call ``reached`` at that point of the transaction."""
    _POINTS[point](transaction, reached)


class AnswerLost(Exception):
    """The storage has finished, and its client does not know."""


def lose_answer(transaction: Any) -> None:
    """Let the commit fail after the storage has kept it."""

    def lose() -> None:
        raise AnswerLost("The answer of the storage was lost.")

    _in_commit("finish", _AFTER)(transaction, lose)


class _Next:
    """Loses the answer to the transaction after this one."""

    def __init__(self, manager: Any):
        self._manager = manager
        self._present = manager.get()
        # Managers hold their synchronizers weakly.
        _nexts.append(self)
        manager.registerSynch(self)

    def newTransaction(self, transaction: Any) -> None:
        # Registering tells of the present one too.
        if transaction is not self._present:
            self._manager.unregisterSynch(self)
            lose_answer(transaction)

    def beforeCompletion(self, transaction: Any) -> None:
        pass

    afterCompletion = beforeCompletion


_nexts: list[_Next] = []


def lose_next_answer(manager: Any) -> None:
    """Let the commit after this one fail after the storage has kept it."""
    _Next(manager)


def arrange_race(transaction: Any, number: int) -> None:
    """Say that the storage is about to finish and let it: the blow meets it anywhere.

    A worker that is quicker than its death stands still after the commit.
    """
    _POINTS["finishing"](transaction, lambda: say("races", number=number))
    _POINTS["after"](transaction, released.wait)
