"""The queues of a site, opened without starting Zope: in a second, and reading alone."""

from collections.abc import Callable
from collections.abc import Iterator
from plone.app.taskqueue.dispatcher.code import set_release
from plone.app.taskqueue.dispatcher.naming import DEFAULT
from plone.app.taskqueue.dispatcher.naming import shown
from plone.app.taskqueue.dispatcher.server import is_shut
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IQueue
from plone.app.taskqueue.queue.container import find_queues
from plone.app.taskqueue.queue.place import set_database_name
from plone.app.taskqueue.queue.place import set_installation
from plone.app.taskqueue.worker.configuration import read_configuration
from plone.app.taskqueue.worker.configuration import worker_settings
from plone.app.taskqueue.worker.errors import CommandError
from plone.app.taskqueue.worker.errors import UNAVAILABLE
from typing import Any
from ZODB import DB
from ZODB.POSException import ConflictError
from ZODB.POSException import StorageError

import contextlib
import difflib
import random
import time
import transaction


#: How often a change is tried in spite of conflicts.
_TRIES = 20


@contextlib.contextmanager
def open_database(zope_conf: str) -> Iterator[DB]:
    """Open the databases of a ``zope.conf``; give the main one.

    ``CommandError``: they cannot be opened.
    """
    options = read_configuration(zope_conf)
    settings = worker_settings(options, {})
    from plone.app.taskqueue.worker.zope import as_command_error
    from Zope2.App.ClassFactory import ClassFactory

    table = options.configroot.dbtab
    try:
        database = table.getDatabase("/", is_root=1)
        if settings.database:
            table.getDatabase(name=settings.database)
    except Exception as error:
        known = as_command_error(error)
        if known is None:
            raise
        raise known from error
    database.classFactory = ClassFactory
    set_database_name(settings.database)
    set_installation(settings.installation)
    set_release(settings.release)
    try:
        yield database
    finally:
        for opened in list(database.databases.values()):
            # A connection that could not be opened is one that it cannot close.
            with contextlib.suppress(KeyError):
                opened.close()


@contextlib.contextmanager
def reading(zope_conf: str) -> Iterator[Any]:
    """Give the queues as they are now; nothing is written.

    ``CommandError``: there are none yet, or they cannot be opened.
    """
    with open_database(zope_conf) as database, queues_on(database) as queues:
        yield queues


@contextlib.contextmanager
def queues_on(database: DB) -> Iterator[Any]:
    """Give the queues of an open database as they are now.  ``CommandError``: see above."""
    with _reached(database):
        connection = database.open(transaction.TransactionManager())
        try:
            connection.transaction_manager.begin()
            yield _queues(connection)
        finally:
            connection.transaction_manager.abort()
            connection.close()


def change(database: DB, do: Callable[[Any], Any]) -> Any:
    """Commit what ``do(queues)`` changes, in spite of conflicts; return what it returns.

    ``CommandError``: that cannot be; with ``UNAVAILABLE`` it may have been all the same.
    """
    for tries in range(_TRIES):
        try:
            with _reached(database):
                return _change_once(database, do)
        except ConflictError:
            if tries + 1 == _TRIES:
                raise CommandError(
                    "The workers were quicker each time: nothing was changed. Pause the "
                    "queue, or try again."
                ) from None
            time.sleep(random.uniform(0, 0.05 * tries))
    raise AssertionError("not reached")


def _change_once(database: DB, do: Callable[[Any], Any]) -> Any:
    connection = database.open(transaction.TransactionManager())
    try:
        with connection.transaction_manager:
            return do(_queues(connection))
    finally:
        connection.close()


def look(database: DB, see: Callable[[Any], Any]) -> Any:
    """Return ``see(queues)``, or ``None`` while the database cannot be reached.

    For who looks again and again: its server may be back the next time.
    """
    try:
        return change(database, see)
    except CommandError as error:
        if error.status != UNAVAILABLE:
            raise
        return None


@contextlib.contextmanager
def _reached(database: DB) -> Iterator[None]:
    """Say in a sentence that the server of the database is gone, if it is."""
    try:
        yield
    except Exception as error:
        # ZEO's errors of that kind are of the latter class.
        if not (is_shut(database, error) or isinstance(error, StorageError)):
            raise
        raise CommandError(
            f"The database cannot be reached any more: {type(error).__name__}: {error} "
            "Look whether it was done, and try again.",
            UNAVAILABLE,
        ) from error


def _queues(connection: Any) -> Any:
    queues = find_queues(connection)
    if queues is None:
        raise CommandError(
            "There are no queues in this database: no job was ever queued, and no worker "
            "started."
        )
    return queues


def find_queue(queues: Any, name: str) -> IQueue:
    """Return the queue that people call so.  ``CommandError``: there is none."""
    found = queues.get(name)
    if found is None and name == DEFAULT:
        found = queues.get("")
    if found is None:
        known = [shown(each) for each in queues]
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
        raise CommandError(f"There is no queue {name!r}: {hint}")
    return found


def find_job(queues: Any, job_id: int, queue_name: str | None) -> IAsyncJob:
    """Return the job of that id.  ``CommandError``: there is none.

    Jobs of services have numbers of their own, so their queue has to be named.
    """
    if queue_name is not None:
        among = [find_queue(queues, queue_name)]
    else:
        among = [queue for queue in queues.values() if not queue.private]
    for queue in among:
        job = queue.get(job_id)
        if job is not None:
            return job
    raise CommandError(
        f"There is no job {job_id}. It may be too old: jobs that have ended are kept for "
        "retention-days. Jobs of a task service are found with --queue."
    )
