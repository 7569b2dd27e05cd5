"""Where the queues live: one container in the root of the main or a named database."""

from BTrees.OOBTree import OOBTree
from collections.abc import Iterable
from collections.abc import Iterator
from persistent import Persistent
from plone.app.taskqueue.interfaces import IQueues
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import ROOT_KEY
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.abandoning import abandon
from plone.app.taskqueue.queue.directory import searching
from plone.app.taskqueue.queue.directory.wanted import Wanted
from plone.app.taskqueue.queue.place import find_queues
from plone.app.taskqueue.queue.place import queue_connection
from plone.app.taskqueue.queue.queue import Queue
from plone.app.taskqueue.queue.zeo import keep_ids_fresh
from plone.app.taskqueue.wakeup import hub
from typing import Any
from ZODB.interfaces import IConnection
from ZODB.POSException import POSKeyError
from zope.interface import implementer


def get_queues(connection: IConnection) -> "Queues":
    """Return the queues, and make them on first use in the current transaction."""
    mine = queue_connection(connection)
    keep_ids_fresh(mine.db())
    queues = find_queues(connection)
    if queues is None:
        queues = mine.root()[ROOT_KEY] = Queues()
        mine.add(queues)
        queues.create("")
    return queues


@implementer(IQueues)
class Queues(Persistent):
    """See ``IQueues``."""

    #: Boards of running jobs by the id of their worker, see ``queue.boards``; ``None``
    #: in a database that was made before there were any, until one is written.
    boards: OOBTree | None = None
    retention_days: float | None = None
    group_seconds: float | None = None

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
        """Let workers find a queue that is kept elsewhere, and is a service's.

        One that is a copy of another is made a queue of its own before; see there.
        ``ValueError``: there is another queue of that name.
        """
        queue.settle_in()
        if self._queues.setdefault(queue.name, queue) is not queue:
            raise ValueError(f"There is another queue {queue.name!r} already.")

    def detach(self, queue: Queue) -> int:
        """Let no worker find a queue any more, for its service is deleted.

        What it holds is cancelled; returns how many jobs.  ``attach`` lets workers find
        it again.  ``ValueError``: it is not a service's.
        """
        if not queue.private:
            raise ValueError(f"The queue {queue.name!r} is not a service's.")
        if self._queues.get(queue.name) is queue:
            del self._queues[queue.name]
        # Threads that serve it shall end.
        for changed in (self, queue):
            hub.ring_after_commit(changed._p_jar)
        return abandon(queue)

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
        return (queue for _, queue in self.items())

    def items(self) -> Iterator[tuple[str, Queue]]:
        # Nothing about one that is gone keeps the others from their work.
        return (item for item in self._queues.items() if not _is_gone(item[1]))

    def search(
        self,
        states: Iterable[State | str],
        *,
        names: Iterable[str] | None = None,
        **wanted: Any,
    ) -> Iterator[AsyncJob]:
        return searching.search(self._named(names), states, Wanted(**wanted))

    def count(
        self,
        states: Iterable[State | str],
        *,
        names: Iterable[str] | None = None,
        limit: int | None = None,
        **wanted: Any,
    ) -> int:
        return searching.count(self._named(names), states, Wanted(**wanted), limit)

    def _named(self, names: Iterable[str] | None) -> list[Queue]:
        if names is None:
            return list(self.values())
        wanted = frozenset(names)
        return [queue for name, queue in self.items() if name in wanted]

    def forget_gone(self) -> list[str]:
        """Forget queues whose records are gone; return their names.

        Those of services are kept by their services.  If that is in another database,
        and somebody deletes it without a word, packing that one takes the queue away.
        """
        gone = [name for name, queue in self._queues.items() if _is_gone(queue)]
        for name in gone:
            del self._queues[name]
        return gone

    def __repr__(self) -> str:
        # As zc.async's did, so that old doctests go on.
        return f"<{__package__}.Queues object at {id(self):#x}>"


def _is_gone(queue: Queue) -> bool:
    if queue._p_jar is None or queue._p_changed is not None:
        return False
    # Not by loading the object, for which ZODB would write a traceback into the log.
    try:
        queue._p_jar._storage.load(queue._p_oid)
    except POSKeyError:
        return True
    return False
