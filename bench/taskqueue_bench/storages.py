"""The storages: a file, the same behind a ZEO server, and RelStorage on PostgreSQL.

Servers are processes of their own, with the settings that they have by default: what is
committed is on the disk.
"""

from collections.abc import Iterator
from contextlib import closing
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from plone.app.taskqueue.tests.storages import postgresql
from plone.app.taskqueue.tests.storages.homes import open_postgresql
from taskqueue_bench.meeting import MeetingConnection
from ZEO.ClientStorage import ClientStorage
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage

import os
import psycopg2
import socket
import subprocess
import sys
import time


#: Objects that a connection keeps, as in the zope.conf of a new Zope instance.
CACHE_SIZE = 30_000


class _Database(DB):
    klass = MeetingConnection


@dataclass(frozen=True)
class Place:
    """Where a process finds the database; can be sent to another process."""

    #: ``FileStorage``, ``ZEO`` or ``PostgreSQL``.
    kind: str
    #: Of the file.
    path: str = ""
    port: int | None = None
    dsn: str = ""

    def open(self) -> DB:
        """Open the database with default settings but Zope's cache size."""
        if self.kind == "PostgreSQL":
            storage = open_postgresql(self.dsn)
        elif self.kind == "ZEO":
            storage = ClientStorage(("127.0.0.1", self.port), wait=True)
        else:
            storage = FileStorage(self.path)
        return _Database(storage, cache_size=CACHE_SIZE)

    @property
    def size(self) -> int:
        """Bytes that the file has now; those of PostgreSQL's write-ahead log so far."""
        if self.kind != "PostgreSQL":
            return os.path.getsize(self.path)
        with closing(psycopg2.connect(self.dsn)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
            return int(cursor.fetchone()[0])


@contextmanager
def file_place(path: Path) -> Iterator[Place]:
    """Give the place of a FileStorage."""
    yield Place("FileStorage", str(path))


@contextmanager
def zeo_place(path: Path) -> Iterator[Place]:
    """Give the place of a ZEO server that runs meanwhile."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "ZEO.runzeo", "-a", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, "-f", str(path)],
        cwd=path.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield Place("ZEO", str(path), port)
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("The ZEO server does not start.")


@contextmanager
def postgresql_place(path: Path) -> Iterator[Place]:
    """Give the place of a PostgreSQL server that runs meanwhile."""
    with postgresql.running(data=path, durable=True) as server:
        yield Place("PostgreSQL", dsn=server.dsn(server.create()))


#: By kind; without a server of PostgreSQL that could be started it is left out.
PLACES = {"FileStorage": file_place, "ZEO": zeo_place}
if postgresql.find_program("initdb") is not None:
    PLACES["PostgreSQL"] = postgresql_place

#: Those that several processes can open at once.
SHARED_PLACES = {name: make for name, make in PLACES.items() if make is not file_place}
