"""Functions that the engine's tests queue, and the stage on which they act."""

from collections import Counter
from persistent import Persistent
from plone.app.taskqueue.dispatcher.bare import BareEnvironment
from typing import Any
from ZODB.interfaces import IConnection
from ZODB.POSException import ConflictError

import builtins
import threading
import transaction


#: Seconds after which a wait for another thread gives up: far beyond any real one.
PATIENCE = 30


class Effects(Persistent):
    """How often something was done, in a record of its own, so that none conflicts."""

    def __init__(self) -> None:
        self.times = 0


class Stage:
    """What the functions of one test share: its events, and what it has seen."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.reset()

    def reset(self) -> None:
        self.connections = threading.local()
        #: How often each function call began, committed or not.
        self.runs: Counter[str] = Counter()
        #: Names for which a function shall misbehave, once for each.
        self.once: set[str] = set()
        self.announced: list[int] = []
        self._events: dict[str, threading.Event] = {}

    def event(self, name: str) -> threading.Event:
        return self._events.setdefault(name, threading.Event())

    def wait(self, name: str) -> None:
        assert self.event(name).wait(PATIENCE), f"Nobody set {name!r}."

    def ran(self, name: str) -> None:
        with self.changed:
            self.runs[name] += 1

    def notify(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def take_once(self, name: str) -> bool:
        """Say whether this is the time for which ``name`` was put into ``once``."""
        with self.changed:
            if name in self.once:
                self.once.remove(name)
                return True
            return False

    @property
    def root(self) -> Any:
        return self.connections.current.root()


stage = Stage()


class StageEnvironment(BareEnvironment):
    """Gives the functions the worker's connection, and tells of each end."""

    def open(self, connection: IConnection) -> None:
        stage.connections.current = connection

    def announce(self, job: Any) -> None:
        stage.announced.append(job.id)

    def close(self) -> None:
        stage.connections.current = None
        stage.notify()


# What jobs do


def nothing(*args: Any, **kwargs: Any) -> None:
    pass


def give(value: Any = None, **kwargs: Any) -> Any:
    return (value, kwargs) if kwargs else value


def effect(name: str) -> str:
    """Do something that can be counted, in the job's transaction."""
    stage.ran(name)
    stage.root["effects"][name].times += 1
    return name


def tally() -> None:
    """Change what every other job changes too."""
    stage.root["tally"].times += 1


def note(name: str) -> None:
    """Write down the order in which jobs run."""
    stage.ran(name)
    stage.root["notes"].append(name)


def complain(kind: str, *args: Any) -> None:
    """Raise the exception that is called ``kind`` here or in ``builtins``."""
    error = globals().get(kind) or getattr(builtins, kind)
    raise error(*args)


def recurse() -> None:
    recurse()


def conflict(name: str) -> None:
    stage.ran(name)
    raise ConflictError(f"on purpose: {name}")


def act(how: str, name: str) -> str:
    """Have an effect, and behave as ``how`` says.

    One function for all, because only functions that are known to be quick share a
    transaction.
    """
    effect(name)
    _ACTS[how](name)
    return name


def _fail(name: str) -> None:
    raise ValueError(f"{name} fails on purpose")


def _exit(name: str) -> None:
    raise SystemExit(name)


def _conflict_once(name: str) -> None:
    if stage.take_once(name):
        raise ConflictError(name)


def _commit_conflicts_once(name: str) -> None:
    if stage.take_once(name):
        transaction.get().join(Refuser("tpc_vote", ConflictError(name)))


def _vote_fails(name: str) -> None:
    transaction.get().join(Refuser("tpc_vote", OSError(f"no room for {name}")))


def _commit_and_fail(name: str) -> None:
    transaction.commit()
    raise ValueError(f"{name} fails after its commit")


def _commit_twice(name: str) -> None:
    transaction.commit()
    stage.root["effects"][name].times += 1
    transaction.commit()


def _begin_and_commit(name: str) -> None:
    transaction.begin()
    stage.root["effects"][name].times += 1
    transaction.commit()


def _abort_and_commit(name: str) -> None:
    transaction.abort()
    stage.root["effects"][name].times += 1
    transaction.commit()


def _swallow(name: str) -> None:
    """Go another way where the commit is refused, as if that was the end of it."""
    try:
        transaction.commit()
    except Exception:
        stage.root["effects"][f"{name}, part two"].times += 1


def _insist(name: str) -> None:
    """Commit once more where the commit is refused."""
    try:
        transaction.commit()
    except Exception:
        transaction.commit()


def _abort_raises(name: str) -> None:
    transaction.get().join(Refuser("abort", RuntimeError(f"{name} cannot abort")))
    raise ValueError(f"{name} fails on purpose")


def _abort_hook_raises(name: str) -> None:
    transaction.get().addBeforeAbortHook(_fail, (name,))
    raise ValueError(f"{name} fails on purpose")


_ACTS = {
    "well": lambda name: None,
    "fail": _fail,
    "exit": _exit,
    "doom": lambda name: transaction.doom(),
    "abort": lambda name: transaction.abort(),
    "commit": lambda name: transaction.commit(),
    "commit and fail": _commit_and_fail,
    "commit twice": _commit_twice,
    "begin and commit": _begin_and_commit,
    "conflict once": _conflict_once,
    "commit conflicts once": _commit_conflicts_once,
    "vote fails": _vote_fails,
    "abort and commit": _abort_and_commit,
    "swallow": _swallow,
    "insist": _insist,
    "abort raises": _abort_raises,
    "abort hook raises": _abort_hook_raises,
}


def block(name: str) -> str:
    """Have an effect; the first run then waits until the test lets it go on."""
    effect(name)
    if stage.take_once(name):
        stage.event(f"{name} runs").set()
        stage.wait(f"{name} may end")
    return name


def commit_around_block(name: str) -> None:
    """Commit before and after the wait, as jobs do that commit their own progress."""
    effect(name)
    first = stage.take_once(name)
    transaction.commit()
    if first:
        stage.event(f"{name} runs").set()
        stage.wait(f"{name} may end")
    stage.root["effects"][f"{name}, part two"].times += 1
    transaction.commit()


def commit_after_block(name: str) -> None:
    block(name)
    transaction.commit()


def unpicklable_result() -> Any:
    return threading.Lock()


class Refuser:
    """A data manager that fails on the way to the commit."""

    transaction_manager = None

    def __init__(self, where: str, error: Exception):
        self._where = where
        self._error = error

    def _pass(self, where: str) -> None:
        if where == self._where:
            raise self._error

    def abort(self, txn: Any) -> None:
        self._pass("abort")

    def tpc_begin(self, txn: Any) -> None:
        self._pass("tpc_begin")

    def commit(self, txn: Any) -> None:
        self._pass("commit")

    def tpc_vote(self, txn: Any) -> None:
        self._pass("tpc_vote")

    def tpc_finish(self, txn: Any) -> None:
        self._pass("tpc_finish")

    def tpc_abort(self, txn: Any) -> None:
        self._pass("tpc_abort")

    def sortKey(self) -> str:
        return "refuser"


# Exceptions that make trouble of their own


class Nameless(Exception):
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no message for you")

    def __reduce__(self) -> Any:
        raise RuntimeError("no pickle for you")


class Quitter(Exception):
    """Leaves the program whenever somebody looks at it."""

    def __str__(self) -> str:
        raise SystemExit("looked at")

    def __reduce__(self) -> Any:
        raise SystemExit("pickled")


class Sub(str):
    """A string that cannot be pickled."""

    def __reduce__(self) -> Any:
        raise RuntimeError("no pickle for you")


class Substring(Exception):
    """Has a message that is not quite a string."""

    def __str__(self) -> str:
        return Sub("almost a string")


class Locked(Exception):
    """Holds what cannot be pickled."""

    def __init__(self) -> None:
        super().__init__("holds a lock")
        self.lock = threading.Lock()


class Particular(Exception):
    """An ordinary exception of an application."""
