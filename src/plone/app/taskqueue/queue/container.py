"""Where the queues live: one container in the root of the main or a named database."""

from BTrees.OOBTree import OOBTree
from collections.abc import Iterator
from persistent import Persistent
from plone.app.taskqueue.interfaces import IQueues
from plone.app.taskqueue.job.asyncjob import ROOT_KEY
from plone.app.taskqueue.queue.queue import Queue
from plone.app.taskqueue.queue.zeo import keep_ids_fresh
from ZODB.interfaces import IConnection
from zope.interface import implementer


class _Place:
    """The database that the configuration chose; ``None`` is the main one."""

    database_name: str | None = None


def set_database_name(name: str | None) -> None:
    """Choose the database that holds the queues of this process."""
    _Place.database_name = name or None


def queue_connection(connection: IConnection) -> IConnection:
    """Return the connection to the database that holds the queues.

    ``KeyError``: the configuration names a database that Zope does not have.
    """
    name = _Place.database_name
    if name is None or name == connection.db().database_name:
        return connection
    try:
        return connection.get_connection(name)
    except KeyError:
        known = ", ".join(sorted(connection.db().databases))
        raise KeyError(
            f"There is no database {name!r} for the job queues, only {known}. "
            f"Add <zodb_db {name}> to zope.conf, or correct the setting 'database'."
        ) from None


def get_queues(connection: IConnection) -> "Queues":
    """Return the queues, and make them on first use in the current transaction."""
    mine = queue_connection(connection)
    keep_ids_fresh(mine.db())
    root = mine.root()
    queues = root.get(ROOT_KEY)
    if queues is None:
        queues = root[ROOT_KEY] = Queues()
        root._p_jar.add(queues)
        queues.create("")
    return queues


def find_queues(connection: IConnection) -> "Queues | None":
    """Return the queues if there are any yet; writes nothing."""
    return queue_connection(connection).root().get(ROOT_KEY)


@implementer(IQueues)
class Queues(Persistent):
    """See ``IQueues``."""

    #: Boards of running jobs by the id of their worker, see ``queue.boards``; ``None``
    #: in a database that was made before there were any, until one is written.
    boards: OOBTree | None = None

    def __init__(self) -> None:
        self._queues = OOBTree()
        #: Workers that are registered, by their id.
        self.workers = OOBTree()
        self.boards = OOBTree()

    def create(self, name: str) -> Queue:
        if not isinstance(name, str):
            raise TypeError(f"A queue's name is a string, not {name!r}.")
        if name in self._queues:
            raise ValueError(f"There is a queue {name!r} already.")
        queue = Queue(name)
        self._p_jar.add(queue)
        self._queues[name] = queue
        return queue

    def attach(self, queue: Queue) -> None:
        """Let workers find a queue that is kept elsewhere in the same database.

        ``ValueError``: there is another queue of that name.
        """
        if self._queues.setdefault(queue.name, queue) is not queue:
            raise ValueError(f"There is another queue {queue.name!r} already.")

    def __getitem__(self, name: str) -> Queue:
        return self._queues[name]

    def get(self, name: str, default: Queue | None = None) -> Queue | None:
        return self._queues.get(name, default)

    def __contains__(self, name: str) -> bool:
        return name in self._queues

    def __iter__(self) -> Iterator[str]:
        return iter(self._queues)

    def __len__(self) -> int:
        return len(self._queues)

    def __bool__(self) -> bool:
        return True

    def keys(self) -> Iterator[str]:
        return iter(self._queues.keys())

    def values(self) -> Iterator[Queue]:
        return iter(self._queues.values())

    def items(self) -> Iterator[tuple[str, Queue]]:
        return iter(self._queues.items())

    def __repr__(self) -> str:
        # As zc.async's did, so that old doctests go on.
        return f"<{__package__}.Queues object at {id(self):#x}>"
