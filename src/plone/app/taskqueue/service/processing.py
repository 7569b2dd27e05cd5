"""The threads of this process that run the jobs of services."""

from dataclasses import replace
from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.settings import read_settings
from typing import Any
from ZODB.interfaces import IDatabase
from ZODB.POSException import ConflictError
from ZODB.POSException import POSKeyError

import threading
import time
import transaction


#: Seconds for which ``stop`` waits for the thread.
_PATIENCE = 1.0
#: The shortest time between two looks for jobs that a service can ask for.
_SHORTEST_WAIT = 0.01
#: How often a service is made known to workers in spite of conflicts.
_TRIES = 20

_lock = threading.Lock()
#: By the database and the id of the queue of the service, which no copy shares.
_dispatchers: dict[tuple[int, bytes], Dispatcher] = {}


def find(service: Any) -> Dispatcher | None:
    """Return the dispatcher of the service in this process, if there is one."""
    jar = service._p_jar
    if jar is None:
        return None
    dispatcher = _dispatchers.get(_key(service, jar.db()))
    return None if dispatcher is None or dispatcher.stopping else dispatcher


def key_of(service: Any) -> tuple[int, bytes] | None:
    """Return what stands for the service in this process; ``None``: it is not committed."""
    jar = service._p_jar
    if jar is None or service._queue._p_oid is None:
        return None
    return _key(service, jar.db())


def all_keys() -> list[tuple[int, bytes]]:
    """Return the keys of the services that have a thread in this process."""
    return list(_dispatchers)


def stop_after_commit(service: Any) -> None:
    """Stop the dispatcher of the service if the current transaction is committed."""
    jar = service._p_jar
    if jar is not None:
        manager = jar.transaction_manager
        manager.get().addAfterCommitHook(_stop_if, (_key(service, jar.db()),))


def _stop_if(committed: bool, key: tuple[int, bytes]) -> None:
    if committed:
        _stop(key)


def start(service: Any) -> None:
    """Start a dispatcher for the service; see ``ITaskService.startProcessing``."""
    path = service.getServicePath()
    if not path:
        return
    jar = service._p_jar
    if jar is None or service._queue._p_oid is None:
        raise ValueError(
            f"The service {'.'.join(path)} is not in the database yet: commit first."
        )
    database = service.main_connection().db()
    with _lock:
        key = _key(service, jar.db())
        if find(service) is not None:
            return
        name = _attach(database, service._queue, ".".join(path))
        dispatcher = Dispatcher(
            database,
            service.environmentFactory,
            _options(service),
            queue_names=[name],
            thread_name=".".join([service.THREADNAME_PREFIX, *path]),
        )
        dispatcher.start()
        _dispatchers[key] = dispatcher


def stop(service: Any) -> None:
    """Stop the dispatcher of the service, if there is one."""
    jar = service._p_jar
    if jar is not None:
        _stop(_key(service, jar.db()))


def _stop(key: tuple[int, bytes]) -> None:
    with _lock:
        dispatcher = _dispatchers.pop(key, None)
    if dispatcher is not None:
        dispatcher.stop(_PATIENCE)


def stop_all(seconds: float) -> None:
    """Stop the dispatchers of all services; all together may take so many seconds."""
    until = time.monotonic() + seconds
    with _lock:
        dispatchers = list(_dispatchers.values())
        _dispatchers.clear()
    # None shall begin a job while we wait for that of another.
    for dispatcher in dispatchers:
        dispatcher.begin_to_stop()
    for dispatcher in dispatchers:
        dispatcher.stop(max(0.0, until - time.monotonic()))


def _options(service: Any) -> Options:
    """Return the settings of this process, with what the service says itself."""
    options = replace(read_settings(), threads=1).options()
    wait = service.processorArguments.get("waitTime", options.poll_seconds)
    return replace(options, poll_seconds=max(wait, _SHORTEST_WAIT))


def _key(service: Any, database: IDatabase) -> tuple[int, bytes]:
    return id(database), service._queue._p_oid


def _attach(database: IDatabase, mine: Any, path: str) -> str:
    """Let workers find the queue, in a transaction of our own; return its name.

    ``mine`` is the queue on the caller's connection.
    """
    home, oid = mine._p_jar.db().database_name, mine._p_oid
    for tries in range(_TRIES):
        connection = database.open(transaction.TransactionManager())
        try:
            with connection.transaction_manager:
                queue = connection.get_connection(home).get(oid)
                get_queues(connection).attach(queue)
                return queue.name
        except POSKeyError:
            raise ValueError(
                f"The service {path} is not in the database yet: commit first."
            ) from None
        except ConflictError:
            if tries + 1 == _TRIES:
                raise
        finally:
            connection.close()
