"""Servers that other queues keep their jobs in, on sockets of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from plone.app.taskqueue.tests.storages import postgresql

import os
import shutil
import socket
import subprocess
import tempfile
import time


_REDIS = "TASKQUEUE_BENCH_REDIS"
_POSTGRESQL = "TASKQUEUE_BENCH_POSTGRESQL"
#: Seconds in which a server must start or stop.
_PATIENCE = 60


def redis_url(number: int, scheme: str = "unix", parameter: str = "db") -> str:
    """Return the address of one of the databases; in a worker or a producer."""
    return f"{scheme}://{os.environ[_REDIS]}?{parameter}={number}"


def postgresql_dsn() -> str:
    """Return what a client must know to connect; in a worker or a producer."""
    return os.environ[_POSTGRESQL]


def missing() -> dict[str, str]:
    """Return, for each server that is not installed, how to get it."""
    needed = {}
    if shutil.which("redis-server") is None:
        needed["Redis"] = "needs Redis: apt install redis-server"
    if postgresql.find_program("initdb") is None:
        needed["PostgreSQL"] = "needs PostgreSQL's server: apt install postgresql"
    return needed


@contextmanager
def redis() -> Iterator[dict[str, str]]:
    """Run a Redis server; give the variable that tells workers where it is.

    It keeps nothing on disk, which is its fastest way.
    """
    # The path of a socket may have a hundred characters.
    with tempfile.TemporaryDirectory(prefix="tq") as folder:
        path = f"{folder}/redis"
        options = ["--port", "0", "--unixsocket", path, "--save", "", "--dir", folder]
        process = subprocess.Popen(
            ["redis-server", *options, "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(path, process)
            yield {_REDIS: path}
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def _wait_for(path: str, process: subprocess.Popen) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(path)
            except OSError:
                time.sleep(0.02)
            else:
                return
    raise RuntimeError("The Redis server does not start.")


@contextmanager
def own_postgresql(folder: Path) -> Iterator[dict[str, str]]:
    """Run a PostgreSQL server for jobs; give the variable that tells where it is."""
    with postgresql.running(data=folder, durable=True) as server:
        yield {_POSTGRESQL: server.dsn(server.create())}
