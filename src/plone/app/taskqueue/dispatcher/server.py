"""The database server may go away and come back: that is no job's fault.

Storages that have a server say whether they are connected to it (a ZEO client does),
or we ask the server ourselves (PostgreSQL).  Any other is taken to be there.
"""

from collections.abc import Callable
from collections.abc import Iterator
from plone.app.taskqueue.dispatcher.closed import is_closed
from plone.app.taskqueue.dispatcher.closed import look_whether_closed
from plone.app.taskqueue.dispatcher.trouble import troubles_of
from plone.app.taskqueue.postgresql import server
from plone.app.taskqueue.postgresql.channel import adapter_of
from plone.app.taskqueue.postgresql.probe import answers
from plone.app.taskqueue.postgresql.server import forget_idle
from plone.app.taskqueue.postgresql.server import is_of_storage
from plone.app.taskqueue.queue.zeo import client_of
from plone.app.taskqueue.queue.zeo import is_of_zeo
from plone.app.taskqueue.queue.zeo import was_raised_there
from plone.app.taskqueue.queue.zeo import watch_server
from transaction.interfaces import ITransactionManager
from transaction.interfaces import TransientError
from typing import Any
from ZODB.interfaces import IConnection
from ZODB.interfaces import IDatabase
from ZODB.POSException import ConflictError
from ZODB.POSException import POSKeyError
from ZODB.POSException import StorageError

import errno
import time


#: Seconds between two looks whether the server is back.
_PAUSE = 0.1
#: Seconds between looks whether a server that failed is gone, and how many.
_LOOK = 0.01
_LOOKS = 10
#: How many connections that broke while nobody used them are passed over.
_STALE = 20
#: What a connection's cache says then; the exception has no class of its own.
_SAME_ID = "A different object already has the same oid"
#: Numbers of the errors of a disk, or a quota of it, that is full.
_NO_ROOM = frozenset({errno.EDQUOT, errno.EFBIG, errno.ENOSPC})


class ServerGone(Exception):
    """The database is not opened, because its server is not there."""


def watch_servers(database: IDatabase) -> None:
    """Let a database, and those beside it, find out when their servers vanish.

    A connection over a network that is cut would else be waited for as if it were slow.
    """
    for each in list(database.databases.values()):
        client = client_of(each.storage)
        if client is not None:
            watch_server(client)
        adapter = adapter_of(each.storage)
        if adapter is not None:
            server.watch_server(adapter)


def is_connected(connection: IConnection) -> bool:
    """Say whether all databases that the connection reaches have their servers."""
    return all(_has_server(storage) for storage in _storages(connection))


def _storages(connection: IConnection) -> list[Any]:
    return [each.db().storage for each in list(connection.connections.values())]


def _has_server(storage: Any) -> bool:
    ask = getattr(storage, "is_connected", None)
    if ask is not None:
        return bool(ask()) and not is_closed(storage)
    adapter = adapter_of(storage)
    return adapter is None or answers(adapter)


def has_servers(database: IDatabase) -> bool:
    """Say whether the servers of a database, and of those beside it, are there."""
    return all(_has_server(each.storage) for each in list(database.databases.values()))


def lost_server(connection: IConnection, error: BaseException) -> bool:
    """Say whether a server that is not there now is the reason of the error.

    An error that was raised from such a one counts too, for code between us and the
    storage likes to add a sentence of its own.  Where all servers are there, the error
    speaks of some other server, or of one that came back at once.
    """
    for reason in _reasons(error):
        for storage in _storages(connection):
            look_whether_closed(storage, reason)
        if isinstance(reason, StorageError | TransientError):
            return not isinstance(reason, ConflictError) and not _stays(connection)
    return was_cut_off(connection, error) and not _stays(connection)


def was_cut_off(connection: IConnection, error: BaseException) -> bool:
    """Say whether the storage's own connection to its server broke under a transaction.

    The server may be there again, or have been there all the time.
    """
    adapters = [adapter_of(storage) for storage in _storages(connection)]
    if any(is_of_zeo(reason, "ClientDisconnected") for reason in _reasons(error)):
        return True
    return any(
        adapter is not None and is_of_storage(adapter, reason)
        for reason in _reasons(error)
        for adapter in adapters
    )


def is_full(error: BaseException) -> bool:
    """Say whether a commit failed because there is no room on a disk.

    A ZEO server that has no room says so in an error of ZEO's own.
    """
    return any(
        _number_of(reason) in _NO_ROOM or server.is_full(reason)
        for reason in _reasons(error)
    )


def _number_of(reason: BaseException) -> int | None:
    if isinstance(reason, OSError):
        return reason.errno
    if was_raised_there(reason, "OSError"):
        return next(iter(reason.args[1]), None)
    return None


def open_connection(
    database: IDatabase, manager: ITransactionManager | None = None
) -> IConnection:
    """Open the database, also where its server was started again since the last time.

    Each connection of the pool finds that out for itself, by an error.
    ``ServerGone``: it was gone before, and still is.
    """
    # The pool keeps what could not be opened.
    if troubles_of(database).gone.lasts and not has_servers(database):
        raise ServerGone("The database server is gone.")
    for _ in range(_STALE):
        try:
            return database.open(manager)
        except Exception as error:
            if not (is_shut(database, error) and _has_server(database.storage)):
                raise
    return database.open(manager)


def is_shut(database: IDatabase, error: BaseException) -> bool:
    """Say whether the database could not be opened for want of its server."""
    if isinstance(error, ServerGone):
        return True
    adapter = adapter_of(database.storage)
    return adapter is not None and is_of_storage(adapter, error)


def _reasons(error: BaseException) -> Iterator[BaseException]:
    reason: BaseException | None = error
    while reason is not None:
        yield reason
        reason = reason.__cause__ or reason.__context__


def _stays(connection: IConnection) -> bool:
    """Say whether the servers are there, and still are after a moment.

    A call may fail some milliseconds before its storage knows that the server is gone.
    """
    for _ in range(_LOOKS):
        if not is_connected(connection):
            return False
        time.sleep(_LOOK)
    return True


def ids_came_twice(error: BaseException) -> bool:
    """Say whether a commit failed because the server gave out ids of objects again.

    A server that was started again knows nothing of the ids that it had given to its
    clients in advance.  The connection may see two objects of one id, or be told that
    somebody else has changed a new object of its own, which it then looks for in vain.
    The next try takes other ids.
    """
    if isinstance(error, POSKeyError):
        return True
    return type(error) is ValueError and str(error) == _SAME_ID


def wait_for_server(
    connection: IConnection,
    stopping: Callable[[], bool],
    pause: Callable[[float], None],
) -> bool:
    """Return when the servers are there; false if told to stop before."""
    if not is_connected(connection):
        gone = troubles_of(connection.db()).gone
        while not stopping():
            gone.meet()
            pause(_PAUSE)
            if is_connected(connection):
                gone.end()
                for storage in _storages(connection):
                    if adapter_of(storage) is not None:
                        forget_idle(storage)
                break
    return not stopping()
