"""Counting the commits of a process that met another one and failed."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from ZODB.Connection import Connection
from ZODB.POSException import ConflictError


#: How often a commit of this process met another, by the class of the object that both
#: had changed.  Failed commits count, whoever tried them again.
_met: Counter[str] = Counter()


class MeetingConnection(Connection):
    """A connection that counts its conflicts."""

    def commit(self, transaction: Any) -> None:
        with _counted():
            super().commit(transaction)

    def tpc_vote(self, transaction: Any) -> None:
        with _counted():
            super().tpc_vote(transaction)

    def tpc_finish(self, transaction: Any) -> None:
        with _counted():
            super().tpc_finish(transaction)


@contextmanager
def _counted() -> Iterator[None]:
    try:
        yield
    except ConflictError as error:
        _met[class_of(error)] += 1
        raise


def class_of(error: ConflictError) -> str:
    """Return the class of the object that two commits had changed, or the error's."""
    name = str(error.class_name or type(error).__name__)
    return name.rpartition(".")[2]


def forget(node: Any) -> None:
    """Count from now on; in a process of the benchmark."""
    _met.clear()


def met(node: Any) -> dict[str, int]:
    """Return how many commits of the process have failed since, by class."""
    return dict(_met)
