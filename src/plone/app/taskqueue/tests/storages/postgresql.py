"""A PostgreSQL server of the tests' own, in a temporary directory.

The benchmark starts its servers with this too.
"""

from collections.abc import Iterator
from pathlib import Path
from plone.app.taskqueue.tests.crash.network import free_port
from typing import Any

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
    what is committed through a power cut, as it does by default.  With a ``host`` it is
    on a port of that too.  ``settings`` are those that it has besides.
    """

    def __init__(
        self,
        folder: Path,
        data: Path | None = None,
        durable: bool = False,
        host: str | None = None,
        settings: dict[str, str] | None = None,
    ):
        self._folder = folder
        self._data = data or folder / "data"
        self._settings = _SETTINGS if durable else _SETTINGS | _CARELESS
        self._settings = {**self._settings, **(settings or {})}
        self._host = host
        if host is not None:
            self._port = free_port(host)
            self._settings.update(listen_addresses=host, port=str(self._port))
        self._log = folder / "server.log"
        self._made = 0
        self._admitted = 0
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
        if host is not None:
            with (self._data / "pg_hba.conf").open("a") as access:
                access.write(f"host all all {host}/24 trust\n")

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

    def freeze(self) -> None:
        """Let it answer nobody, as a machine that is paused."""
        self._send_to_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._send_to_all(signal.SIGCONT)

    def _send_to_all(self, number: int) -> None:
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in [pid, *map(int, children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, number)

    def stop(self) -> None:
        """End it at once, as a power cut would; the next start finds all commits."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(_PATIENCE)

    # Databases

    def dsn(self, database: str, user: str = "tests") -> str:
        """Return what a client must know to connect."""
        port = "" if self._host is None else f" port={self._port}"
        return f"host={self._folder}{port} dbname={database} user={user}"

    def dsn_afar(self, database: str) -> str:
        """Return what a client on another machine must know to connect."""
        return (
            f"host={self._host} port={self._port} dbname={database} user=tests "
            "connect_timeout=2"
        )

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

    def create(self, disk: Path | None = None) -> str:
        """Make a database, on that disk if there is one, and return its name."""
        self._made += 1
        name = f"database_{self._made}"
        where = ""
        if disk is not None:
            home = disk / "small"
            home.mkdir()
            if self._as_user:
                shutil.chown(home, _USER)
            self.execute(f"CREATE TABLESPACE small LOCATION '{home}'")
            where = " TABLESPACE small"
        self.execute(f"CREATE DATABASE {name}{where}")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever still uses it."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def admit(self) -> str:
        """Make a user who may do everything, and return the name."""
        self._admitted += 1
        user = f"user_{self._admitted}"
        self.execute(f"CREATE ROLE {user} SUPERUSER LOGIN")
        return user

    def dismiss(self, user: str) -> None:
        """End the user's connections; there will be no other."""
        self.execute(f"ALTER ROLE {user} NOLOGIN")
        self._end_connections(f"usename = '{user}'")

    def expel(self) -> None:
        """End all others' connections, as an administrator does."""
        self._end_connections("backend_type = 'client backend'")

    def _end_connections(self, condition: str) -> None:
        # It waits until they have gone, whatever they hold with them.
        self.execute(
            f"SELECT pg_terminate_backend(pid, {1000 * _PATIENCE}) "
            f"FROM pg_stat_activity WHERE {condition} AND pid <> pg_backend_pid()"
        )


@contextlib.contextmanager
def running(**options: Any) -> Iterator[PostgreSQL]:
    """Give a server that ends with the block; the options are those of ``PostgreSQL``."""
    # The path of a socket may have a hundred characters.
    with tempfile.TemporaryDirectory(prefix="tq") as folder:
        server = PostgreSQL(Path(folder), **options)
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
