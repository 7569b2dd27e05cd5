"""Where the storage of a test lives, and how it is opened again on the same data."""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextlib import contextmanager
from pathlib import Path
from plone.app.taskqueue.tests.storages.postgresql import PostgreSQL
from relstorage.adapters.postgresql import PostgreSQLAdapter
from relstorage.adapters.sqlite.adapter import Sqlite3Adapter
from relstorage.options import Options
from relstorage.storage import RelStorage
from ZEO.ClientStorage import ClientStorage
from ZODB.DemoStorage import DemoStorage
from ZODB.FileStorage import FileStorage
from ZODB.interfaces import IStorage

import functools
import ZEO


#: Opens the storage; again only after it was closed.
Home = Callable[[], IStorage]


@contextmanager
def in_file(folder: Path) -> Iterator[Home]:
    yield lambda: FileStorage(str(folder / "Data.fs"))


class _Kept(DemoStorage):
    """Stays open: a test opens it again, and it would have forgotten everything."""

    def close(self) -> None:
        pass


@contextmanager
def in_memory() -> Iterator[Home]:
    # What is committed is in one MappingStorage above another.
    storage = _Kept()
    yield lambda: storage
    DemoStorage.close(storage)


@contextmanager
def on_zeo(folder: Path) -> Iterator[Home]:
    address, stop = ZEO.server(str(folder / "Data.fs"))
    try:
        yield lambda: ClientStorage(address, server_sync=True)
    finally:
        stop()


@contextmanager
def in_sqlite(folder: Path, keep_history: bool = False) -> Iterator[Home]:
    options = Options(keep_history=keep_history)
    yield lambda: RelStorage(
        Sqlite3Adapter(str(folder), pragmas={}, options=options), options=options
    )


def open_postgresql(dsn: str, keep_history: bool = False, **options) -> RelStorage:
    """Open a RelStorage in that database."""
    chosen = Options(keep_history=keep_history, driver="psycopg2", **options)
    return RelStorage(PostgreSQLAdapter(dsn, options=chosen), options=chosen)


@functools.cache
def _database(server: PostgreSQL, keep_history: bool) -> str:
    """Return a database for one test after the other: making one takes longer."""
    return server.dsn(server.create())


@contextmanager
def in_postgresql(server: PostgreSQL, keep_history: bool = False) -> Iterator[Home]:
    dsn = _database(server, keep_history)
    yield lambda: open_postgresql(dsn, keep_history)
    # Whoever is still connected would keep us from emptying it.
    server.expel()
    storage = open_postgresql(dsn, keep_history)
    storage.zap_all()
    storage.close()


#: By name, how to make a home from a folder and a way to get the server.
KINDS: dict[
    str, Callable[[Path, Callable[[], PostgreSQL]], AbstractContextManager[Home]]
] = {
    "demo": lambda folder, server: in_memory(),
    "zeo": lambda folder, server: on_zeo(folder),
    "sqlite": lambda folder, server: in_sqlite(folder),
    "postgresql": lambda folder, server: in_postgresql(server()),
}
