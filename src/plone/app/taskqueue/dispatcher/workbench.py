"""What running jobs takes: one connection, and what surrounds the jobs on it."""

from collections.abc import Callable
from plone.app.taskqueue.dispatcher.changes import Changes
from plone.app.taskqueue.dispatcher.guard import Guard
from plone.app.taskqueue.dispatcher.options import Options
from plone.app.taskqueue.dispatcher.pace import Pace
from plone.app.taskqueue.dispatcher.server import lost_server
from plone.app.taskqueue.dispatcher.server import wait_for_server
from plone.app.taskqueue.dispatcher.trouble import troubles_of
from plone.app.taskqueue.interfaces import IEnvironment
from transaction.interfaces import ITransaction
from ZODB.interfaces import IConnection

import random


#: First and longest pause between two tries, in seconds.
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 1.0
#: Seconds between two looks whether there is room on the disk again.
ROOM_PAUSE = 1.0


class Workbench:
    """Used by the thread that owns the connection, and by that thread only."""

    def __init__(
        self,
        connection: IConnection,
        environment: IEnvironment,
        pace: Pace,
        options: Options,
        stopping: Callable[[], bool],
        pause: Callable[[float], None],
        dispatcher_uuid: str | None = None,
        misses: Callable[[str], None] = lambda function_name: None,
    ):
        self.connection = connection
        self.database = connection.db()
        self._full = troubles_of(self.database).full
        self.manager = connection.transaction_manager
        self.environment = environment
        self.pace = pace
        self.options = options
        #: Seconds for which jobs may join a transaction; set anew with each claim, as
        #: what the queues say goes before the options.
        self.group_seconds = options.group_seconds
        self.stopping = stopping
        self.pause = pause
        self.dispatcher_uuid = dispatcher_uuid
        #: Told of each function that is left to workers of other code.
        self.misses = misses
        self.guard = Guard(self.manager)
        self.changes = Changes(connection)
        #: True when a job has ended for which others wait, and who have to be told.
        self.owes_news = False
        #: True when a job waits for others and keeps its places in the quotas.
        self.stepped_aside = False

    def close(self) -> None:
        """Let go of the transaction manager."""
        self.guard.close()

    def begin(self) -> ITransaction:
        """Begin a transaction of jobs; whatever comes of it, ``end`` follows."""
        transaction = self.manager.begin()
        self.changes.reset()
        try:
            self.environment.open(self.connection)
        except BaseException:
            # No job's fault; the thread opens the database again.
            self.end()
            raise
        return transaction

    def end(self) -> None:
        """Reset what the transaction's jobs have left in this thread."""
        self.guard.rest()
        self.environment.leave()
        self.environment.close()

    def has_lost(self, error: BaseException) -> bool:
        """Say whether the error means that the database server is gone."""
        return lost_server(self.connection, error)

    def wait_for_server(self) -> None:
        """Wait until the server is there again, or the dispatcher stops."""
        wait_for_server(self.connection, self.stopping, self.pause)

    def wait_for_room(self) -> None:
        """Wait a moment because the disk was too full for a commit."""
        self._full.meet()
        self.pause(ROOM_PAUSE)

    def has_room(self) -> None:
        """There was enough for a commit."""
        self._full.end()

    def back_off(self, tries: int) -> None:
        """Pause at random, longer with the tries, so that rivals part."""
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(tries, 10))
        self.pause(random.uniform(longest / 2, longest))
