"""A PostgreSQL server of the tests' own, in a temporary directory.

The benchmark starts its servers with this too.
"""

from collections.abc import Iterator
from pathlib import Path

import contextlib
import os
import psycopg2
import psycopg2.errors
import pytest
import shutil
import signal
import subprocess
import tempfile
import time


#: Where Debian keeps what is not for everybody, and it keeps one for each version.
_PROGRAMS = Path("/usr/lib/postgresql")
#: PostgreSQL refuses to run as root; Debian has this user for it.
_USER = "postgres"
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "400",
}
#: A test's machine may die without harm, but not what is committed with the server.
_CARELESS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
}
#: Seconds in which it must start or stop.
_PATIENCE = 60


def find_program(name: str) -> Path | None:
    """Return where a program of PostgreSQL is; ``None`` if it is not there."""
    found = shutil.which(name)
    if found is not None:
        return Path(found)
    versions = sorted(_PROGRAMS.glob(f"*/bin/{name}"), key=_version)
    return versions[-1] if versions else None


def _version(program: Path) -> float:
    return float(program.parts[-3])


class PostgreSQL:
    """A server on a socket in ``folder``, whose path must be short.

    Its files are in ``data``, by default beside the socket.  A ``durable`` one keeps
    what is committed through a power cut, as it does by default.
    """

    def __init__(self, folder: Path, data: Path | None = None, durable: bool = False):
        self._folder = folder
        self._data = data or folder / "data"
        self._log = folder / "server.log"
        self._settings = _SETTINGS if durable else _SETTINGS | _CARELESS
        self._made = 0
        self._process: subprocess.Popen | None = None
        # It is started as another user, who must get in.
        self._as_user = {"user": _USER, "extra_groups": []} if not os.getuid() else {}
        if self._as_user:
            shutil.chown(folder, _USER)
            if data is not None:
                data.mkdir(parents=True)
                shutil.chown(data, _USER)
        self._run(
            "initdb", "-D", self._data, "-U", "tests", "-A", "trust", "-E", "UTF8"
        )

    def _run(self, name: str, *args: object) -> None:
        done = subprocess.run(
            [find_program(name), *map(str, args)],
            cwd=self._folder,
            capture_output=True,
            text=True,
            **self._as_user,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Start it and return when it answers."""
        settings = {**self._settings, "unix_socket_directories": str(self._folder)}
        options = [word for item in settings.items() for word in ("-c", "=".join(item))]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [find_program("postgres"), "-D", self._data, *options],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                **self._as_user,
            )
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            assert time.monotonic() < deadline, self._log.read_text()[-2000:]
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self.dsn("postgres")).close()
        except psycopg2.OperationalError:
            return False
        return True

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it at once, as a power cut would; the next start finds all commits."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(_PATIENCE)

    # Databases

    def dsn(self, database: str) -> str:
        """Return what a client must know to connect."""
        return f"host={self._folder} dbname={database} user=tests"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple]:
        """Execute a statement in no transaction and return its rows."""
        connection = psycopg2.connect(self.dsn(database))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def create(self) -> str:
        """Make a database and return its name."""
        self._made += 1
        name = f"database_{self._made}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever still uses it."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def expel(self) -> int:
        """End all others' connections, as an administrator does; return how many."""
        return len(
            self.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        )


@contextlib.contextmanager
def running(data: Path | None = None, durable: bool = False) -> Iterator[PostgreSQL]:
    """Give a server that ends with the block; for ``data`` see there."""
    # The path of a socket may have a hundred characters.
    with tempfile.TemporaryDirectory(prefix="tq") as folder:
        server = PostgreSQL(Path(folder), data, durable)
        server.start()
        try:
            yield server
        finally:
            if server.is_running:
                server.stop()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One server for all tests; each makes a database of its own."""
    if find_program("initdb") is None:
        pytest.skip("needs PostgreSQL's server: apt install postgresql")
    with running() as server:
        yield server
