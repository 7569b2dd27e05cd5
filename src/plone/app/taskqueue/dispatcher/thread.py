"""The threads that run jobs."""

from plone.app.taskqueue.dispatcher.seat import NotRegistered
from plone.app.taskqueue.dispatcher.seat import Seat
from plone.app.taskqueue.dispatcher.server import is_full
from plone.app.taskqueue.dispatcher.server import lost_server
from plone.app.taskqueue.dispatcher.server import open_connection
from plone.app.taskqueue.dispatcher.server import ServerGone
from plone.app.taskqueue.dispatcher.server import wait_for_server
from plone.app.taskqueue.dispatcher.server import was_cut_off
from plone.app.taskqueue.dispatcher.trouble import troubles_of
from typing import Any
from ZODB.interfaces import IConnection

import logging
import threading


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

#: Seconds before a thread tries again after trouble that is not a job's.
_PAUSE = 1.0
#: How often in a row its connection may break with no word in the log.
_BREAKS = 3


class WorkerThread(threading.Thread):
    """Takes turns on a seat of its own until the dispatcher stops."""

    def __init__(self, dispatcher: Any, slot: int, name: str):
        super().__init__(name=name, daemon=True)
        self._dispatcher = dispatcher
        self._slot = slot
        #: How often in a row a turn has failed although the server is there.
        self._breaks = 0

    def __repr__(self) -> str:
        # As it was before Python 3, so that old doctests go on.
        state = "started" if self.is_alive() else "stopped" if self.ident else "initial"
        return f"<Thread({self.name}, {state} daemon)>"

    def run(self) -> None:
        self._dispatcher.thread_began()
        try:
            while not self._dispatcher.stopping:
                self._sit_whatever_happens()
        finally:
            self._dispatcher.thread_ended()

    def _sit_whatever_happens(self) -> None:
        try:
            self._sit()
        except ServerGone:
            troubles_of(self._dispatcher.database).gone.meet()
            self._dispatcher.sleep(_PAUSE)
        except BaseException:
            logger.exception(
                "Thread %s had trouble that is no job's. It opens the database "
                "again in %s seconds.",
                self.name,
                _PAUSE,
            )
            self._dispatcher.sleep(_PAUSE)

    def _sit(self) -> None:
        connection = open_connection(self._dispatcher.database)
        seat = None
        try:
            seat = self._dispatcher.open_seat(connection, self._slot)
            while not self._dispatcher.stopping:
                self._take_turn(seat, connection)
        finally:
            try:
                if seat is not None:
                    seat.close()
                connection.transaction_manager.abort()
            finally:
                connection.close()

    def _take_turn(self, seat: Seat, connection: IConnection) -> None:
        try:
            if not self._dispatcher.take_turn(seat):
                self._dispatcher.wait_for_work(connection, seat.was_courteous)
            self._breaks = 0
        except NotRegistered as error:
            self._dispatcher.renew(str(error))
        except Exception as error:
            # A server that has closed its storage for want of room is lost.
            lost = lost_server(connection, error)
            if not lost and is_full(error):
                connection.transaction_manager.abort()
                seat.wait_for_room()
                return
            if not lost:
                self._breaks += 1
                if self._breaks > _BREAKS or not was_cut_off(connection, error):
                    raise
            connection.transaction_manager.abort()
            wait_for_server(
                connection,
                lambda: self._dispatcher.stopping,
                self._dispatcher.sleep,
            )
