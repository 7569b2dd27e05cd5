"""Two databases that know each other, as ``zope.conf`` may have them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from plone.app.taskqueue.queue.place import set_database_name
from ZODB import DB
from ZODB.FileStorage import FileStorage


@contextmanager
def queues_in(name: str, folder: Path) -> Iterator[DB]:
    """Open the main database, beside one of that name that has the queues."""
    databases: dict[str, DB] = {}
    opened = [
        DB(
            FileStorage(str(folder / f"{each}.fs")),
            databases=databases,
            database_name=each,
        )
        for each in ("main", name)
    ]
    set_database_name(name)
    try:
        yield opened[0]
    finally:
        set_database_name(None)
        for database in opened:
            database.close()
