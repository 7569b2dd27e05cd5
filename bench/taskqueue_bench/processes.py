"""Processes of their own, each with one open database, told what to do one by one."""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from taskqueue_bench.storages import Place
from typing import Any
from ZODB.DB import DB

import logging
import multiprocessing
import traceback
import transaction


_context = multiprocessing.get_context("spawn")


class Node:
    """What a process has: its database, a connection, and what functions leave here."""

    def __init__(self, place: Place):
        self.place = place
        self.manager = transaction.TransactionManager()
        self.kept: dict[str, Any] = {}
        self.open()

    def open(self) -> None:
        """Open the database, at first or after ``close``."""
        self.db: DB = self.place.open()
        self.connection = self.db.open(self.manager)
        self._is_open = True

    def close(self) -> None:
        """Close the database, unless it is closed."""
        if not self._is_open:
            return
        self._is_open = False
        self.manager.abort()
        self.connection.close()
        self.db.close()


class Process:
    """The other end: calls functions ``function(node, *args)`` in the process."""

    def __init__(self, place: Place):
        self._pipe, theirs = _context.Pipe()
        self._process = _context.Process(target=_serve, args=(theirs, place))
        self._process.start()
        theirs.close()
        # Its database is open: two that open an empty one at once would conflict.
        self.result()

    def begin(self, function: Callable[..., Any], *args: Any) -> None:
        """Let the process begin with it; ``result`` must be asked for next."""
        self._pipe.send((function, args))

    def result(self) -> Any:
        """Wait for what was begun and return what it returned."""
        good, value = self._pipe.recv()
        if not good:
            raise RuntimeError(f"A process of the benchmark failed.\n{value}")
        return value

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        self.begin(function, *args)
        return self.result()

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        self._pipe.close()
        self._process.join(30)
        if self._process.is_alive():
            self._process.kill()


@contextmanager
def process(place: Place) -> Iterator[Process]:
    """Give a process that has the place's database open."""
    mine = Process(place)
    try:
        yield mine
    finally:
        mine.close()


def _serve(pipe: Connection, place: Place) -> None:
    logging.basicConfig(level=logging.ERROR)
    node = Node(place)
    pipe.send((True, None))
    try:
        while True:
            function, args = pipe.recv()
            try:
                pipe.send((True, function(node, *args)))
            except Exception:
                pipe.send((False, traceback.format_exc()))
    except EOFError:
        node.close()
