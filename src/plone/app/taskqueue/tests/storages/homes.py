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
from typing import Any
from ZEO.ClientStorage import ClientStorage
from ZEO.StorageServer import StorageServer
from ZODB.DemoStorage import DemoStorage
from ZODB.FileStorage import FileStorage
from ZODB.interfaces import IStorage

import functools


#: Opens the storage; again only after it was closed.
Home = Callable[[], IStorage]


@contextmanager
def in_file(folder: Path, **options: Any) -> Iterator[Home]:
    yield lambda: FileStorage(str(folder / "Data.fs"), **options)


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
def on_zeo(
    folder: Path, server_blobs: str | None = None, **options: Any
) -> Iterator[Home]:
    # Not by ``ZEO.server``, which collects garbage when it stops, for a tenth of a second.
    storage = FileStorage(str(folder / "Data.fs"), blob_dir=server_blobs)
    server = StorageServer(("127.0.0.1", 0), {"1": storage})
    server.start_thread()
    address = server.addr
    try:
        yield lambda: ClientStorage(address, server_sync=True, **options)
    finally:
        server.close()


def _forget(cursor: Any, restart: bool) -> None:
    """Empty the tables in which a transaction is gathered before the next one begins.

    RelStorage 4.3.0 does not if that transaction failed because of what it had only
    read.  It would be kept together with the next one, or fail that by a ``KeyError``.
    """
    if restart:
        cursor.execute("DELETE FROM temp_store")
        cursor.execute("DELETE FROM temp_blob_chunk")
        cursor.connection.return_to_repeatable_read()


@contextmanager
def in_sqlite(
    folder: Path, keep_history: bool = False, **others: Any
) -> Iterator[Home]:
    options = Options(keep_history=keep_history, **others)
    # Nothing here has to outlive the machine.
    pragmas = {"synchronous": "off"}

    def open_storage() -> RelStorage:
        adapter = Sqlite3Adapter(str(folder), pragmas=pragmas, options=options)
        adapter.connmanager.add_on_store_opened(_forget)
        return RelStorage(adapter, options=options)

    yield open_storage


def open_postgresql(dsn: str, keep_history: bool = False, **options: Any) -> RelStorage:
    """Open a RelStorage in that database."""
    chosen = Options(keep_history=keep_history, driver="psycopg2", **options)
    return RelStorage(PostgreSQLAdapter(dsn, options=chosen), options=chosen)


@functools.cache
def _database(server: PostgreSQL, keep_history: bool) -> tuple[str, RelStorage]:
    """Make a database for one test after the other: making one takes longer.

    Returns its name and a storage that empties it.
    """
    name = server.create()
    return name, open_postgresql(server.dsn(name), keep_history)


@contextmanager
def in_postgresql(
    server: PostgreSQL, keep_history: bool = False, **options: Any
) -> Iterator[Home]:
    name, sweeper = _database(server, keep_history)
    user = server.admit()
    dsn = server.dsn(name, user)
    yield lambda: open_postgresql(dsn, keep_history, create_schema=False, **options)
    # A thread that a test has left would write into the database of the next.
    server.dismiss(user)
    # Slow for many records, and fast for few.
    sweeper.zap_all(slow=True)


#: How to make a home from a folder and a way to get the server.
Kind = Callable[[Path, Callable[[], PostgreSQL]], AbstractContextManager[Home]]

#: What every test of the engine runs on, by name.
EVERYWHERE: dict[str, Kind] = {
    "demo": lambda folder, server: in_memory(),
    "zeo": lambda folder, server: on_zeo(folder),
    "sqlite": lambda folder, server: in_sqlite(folder),
    "postgresql": lambda folder, server: in_postgresql(server()),
}
#: What several processes share.
SHARED: dict[str, Kind] = {name: EVERYWHERE[name] for name in ("zeo", "postgresql")}
#: RelStorage with all revisions of each record, as a FileStorage has them.
WITH_HISTORY: dict[str, Kind] = {
    "sqlite with history": lambda folder, server: in_sqlite(folder, True),
    "postgresql with history": lambda folder, server: in_postgresql(server(), True),
}
#: RelStorage without its cache in memory, and with one that is kept on disk.
CACHES: dict[str, Kind] = {
    "postgresql without cache": lambda folder, server: in_postgresql(
        server(), cache_local_mb=0
    ),
    "postgresql with cache on disk": lambda folder, server: in_postgresql(
        server(), cache_local_dir=str(folder / "cache"), cache_prefix="test"
    ),
}
