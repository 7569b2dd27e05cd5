"""The databases: are their servers there, are clocks right, is all read and kept well?"""

from collections.abc import Iterator
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.server import has_servers
from plone.app.taskqueue.postgresql.channel import any_adapter_of
from typing import Any
from ZODB.TimeStamp import TimeStamp

import itertools
import os


#: Seconds by which clocks may differ.
OFFSET = 5.0
#: Blobs of a shared directory that are looked at.
_BLOBS = 20


def storage_problems(database: Any) -> Iterator[str]:
    """Yield what is wrong with the databases, as far as this process can see."""
    if not has_servers(database):
        yield "The database server is gone: start it, all processes wait for it."
    last = database.lastTransaction()
    if last and last.strip(b"\0"):
        behind = TimeStamp(last).timeTime() - clock.host_now()
        if behind > OFFSET:
            yield (
                f"The clock of this machine is {behind:.0f} seconds behind the last "
                "transaction: set the clocks of all machines by NTP. Jobs are run all the "
                "same, but their times are not to be trusted."
            )
    for name, each in sorted(database.databases.items()):
        if _is_in_sqlite(each.storage):
            yield (
                f"Database {name} is kept by RelStorage in SQLite, which may commit what a "
                "transaction had written that failed: move it to PostgreSQL, ZEO or a "
                "FileStorage."
            )
        yield from _blob_problems(name, each.storage)


def _is_in_sqlite(storage: Any) -> bool:
    """Say whether RelStorage 4.3.0's way to abort may do harm.

    It leaves what was written in the temporary tables of a pooled connection if it fails
    before its lock, for the sake of an object that it had only read.
    """
    adapter = any_adapter_of(storage)
    return type(adapter).__module__.startswith("relstorage.adapters.sqlite.")


def _blob_problems(name: str, storage: Any) -> Iterator[str]:
    """Look at the directory of blobs.

    Whether a directory that is said to be shared is the same one everywhere cannot be
    seen from one machine, only whether what is in it can be read.
    """
    # RelStorage and ZEO keep it in different places.
    known = getattr(storage, "_options", storage)
    folder = getattr(known, "blob_dir", None)
    if not folder:
        return
    if not os.path.isdir(folder):
        yield f"The directory of blobs {folder} of database {name} is gone: mount it."
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield (
            f"This process may not write into the directory of blobs {folder} of database "
            f"{name}: give all processes the same user, or a group that may."
        )
    if not getattr(known, "shared_blob_dir", False):
        # It is a cache, and what is not there comes from the server.
        return
    for path in itertools.islice(_blobs(folder), _BLOBS):
        if not os.access(path, os.R_OK):
            yield (
                f"This process may not read the blob {path}, which another one wrote: "
                "give all processes the same user, or a group that may."
            )
            return


def _blobs(folder: str) -> Iterator[str]:
    for where, _, names in os.walk(folder):
        yield from (
            os.path.join(where, name) for name in names if name.endswith(".blob")
        )
