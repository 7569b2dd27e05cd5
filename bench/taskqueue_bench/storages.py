"""The two storages: FileStorage, and ZEO with a server process and FileStorage behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from ZEO.ClientStorage import ClientStorage
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage

import os
import socket
import subprocess
import sys
import time


#: Objects that a connection keeps, as in the zope.conf of a new Zope instance.
CACHE_SIZE = 30_000


@dataclass(frozen=True)
class Place:
    """Where a process finds the database; can be sent to another process."""

    #: ``FileStorage`` or ``ZEO``.
    kind: str
    path: str
    port: int | None = None

    def open(self) -> DB:
        """Open the database with default settings but Zope's cache size."""
        if self.kind == "ZEO":
            storage = ClientStorage(("127.0.0.1", self.port), wait=True)
        else:
            storage = FileStorage(self.path)
        return DB(storage, cache_size=CACHE_SIZE)

    @property
    def size(self) -> int:
        """Bytes that the file has now."""
        return os.path.getsize(self.path)


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


PLACES = {"FileStorage": file_place, "ZEO": zeo_place}
