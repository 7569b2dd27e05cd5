"""What ZEO's client needs from us, where the storage is one.

A ZEO client fetches ids for new objects in advance.  A server that was started again
does not know which it has given away, and gives them out once more.  Two new objects
of one transaction may then have one id, and the connection keeps only one of them
without a word: a job is lost, or a record with many.  So ids that a client has had
before are left out when it fetches more.
"""

from collections.abc import Iterable
from persistent import Persistent
from plone.app.taskqueue.keepalive import keep_watch
from typing import Any
from ZODB.interfaces import IConnection
from ZODB.interfaces import IDatabase
from ZODB.POSException import ConflictError

import sys


class _FreshIds(list):
    """The ids that a client holds in advance, none of which it ever had before."""

    def __init__(self, ids: Iterable[bytes]):
        super().__init__(ids)
        self._highest = max(self, default=b"")

    def __setitem__(self, where: Any, ids: Any) -> None:
        # The client asks again until it has got some; the server counts on each time.
        fresh = [each for each in ids if each > self._highest]
        self._highest = max(fresh, default=self._highest)
        super().__setitem__(where, fresh)


def client_of(storage: Any) -> Any | None:
    """Return the ZEO client that a database's storage is; ``None`` if it is none."""
    try:
        from ZEO.ClientStorage import ClientStorage
    except ImportError:
        return None
    # A storage that compresses or encrypts what another one keeps has that as its base.
    while storage is not None and not isinstance(storage, ClientStorage):
        storage = getattr(storage, "base", None)
    return storage


def is_of_zeo(error: BaseException, name: str) -> bool:
    """Say whether the error is one of ZEO's own, by the name of its class."""
    # ZEO need not be installed, and whoever has an error of it has imported it.
    module = sys.modules.get("ZEO.Exceptions")
    return module is not None and isinstance(error, getattr(module, name))


def was_raised_there(error: BaseException, name: str) -> bool:
    """Say whether a built-in error of that name was raised in a server, and told of."""
    return is_of_zeo(error, "ServerException") and error.args[:1] == (
        f"builtins.{name}",
    )


def watch_server(client: Any) -> None:
    """Let this client, which connects by itself, find out when its server vanishes.

    A server that was seen to end is found out at once; see ``keepalive`` for others.
    """
    if hasattr(client, "_taskqueue_is_watching"):
        return
    notify = client.notify_connected

    def notify_connected(connection: Any, info: Any) -> None:
        _keep_watch(connection)
        notify(connection, info)

    client._taskqueue_is_watching = True
    client.notify_connected = notify_connected
    _keep_watch(client._server.client)


def _keep_watch(connection: Any) -> None:
    """Watch what ZEO's side of it calls ``ClientIO``, if it is connected now."""
    protocol = connection.protocol
    if protocol is not None:
        keep_watch(protocol.sm_protocol.transport.get_extra_info("socket"))


def keep_ids_fresh(database: IDatabase) -> None:
    """See above; done once for each database."""
    if getattr(database, "_taskqueue_ids_are_fresh", False):
        return
    client = client_of(database.storage)
    if client is not None and not isinstance(client._oids, _FreshIds):
        client._oids = _FreshIds(client._oids)
    database._taskqueue_ids_are_fresh = True


def add_new(connection: IConnection, obj: Persistent) -> None:
    """Give a new object its id.  ``ConflictError``: another new one has it already.

    Where ids came twice all the same the transaction is to be tried again: it gets
    other ones then.
    """
    before = len(connection._added)
    connection.add(obj)
    if len(connection._added) == before:
        raise ConflictError(
            "The database gave one id to two new objects.", oid=obj._p_oid
        )


def prefetch(objects: Iterable[Any]) -> None:
    """Have a ZEO server send the records of all of these at once that are not loaded."""
    ghosts = [
        obj for obj in objects if obj._p_jar is not None and obj._p_changed is None
    ]
    if len(ghosts) > 1:
        ghosts[0]._p_jar.prefetch([obj._p_oid for obj in ghosts])
