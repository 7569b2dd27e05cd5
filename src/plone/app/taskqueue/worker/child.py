"""One process of a worker: Zope without a web server, and a dispatcher.

The parent starts it as ``python -m plone.app.taskqueue.worker.child FD``, where ``FD`` is
its end of a ``Wire``, and tells it what to do first.  It ends well when it is told to,
when it gets a SIGTERM, and when the parent is gone.
"""

from collections.abc import Iterator
from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher import running
from plone.app.taskqueue.settings import PREFIX
from plone.app.taskqueue.settings import Settings
from plone.app.taskqueue.worker.burial import bury
from plone.app.taskqueue.worker.configuration import read_configuration
from plone.app.taskqueue.worker.configuration import worker_settings
from plone.app.taskqueue.worker.errors import CommandError
from plone.app.taskqueue.worker.errors import OK
from plone.app.taskqueue.worker.errors import one_line
from plone.app.taskqueue.worker.errors import WRONG
from plone.app.taskqueue.worker.leaving import Leaving
from plone.app.taskqueue.worker.logs import configure_logging
from plone.app.taskqueue.worker.reach import Reach
from plone.app.taskqueue.worker.signals import listen
from plone.app.taskqueue.worker.wire import Wire
from queue import SimpleQueue
from typing import Any

import logging
import os
import socket
import sys
import threading
import time


logger = logging.getLogger("plone.app.taskqueue.worker")

#: Seconds between two signs of life for the parent.
BEAT = 1.0


class Child:
    """This process; ``messages`` are those of the parent, after the first, ``order``."""

    def __init__(
        self, wire: Wire, order: dict[str, Any], messages: Iterator[dict[str, Any]]
    ):
        self._wire = wire
        self._order = order
        self._messages = messages
        #: True once it has been told to stop.
        self._stopping = False
        #: Wakes the main thread then.  Unlike an event, a signal's handler may use it
        #: while that thread does.
        self._stops: SimpleQueue[None] = SimpleQueue()
        #: False while nothing is lost if the process just ends.
        self._begun = False
        #: Looks for services; once it runs jobs.
        self._lookout: Any = None
        self._leaving = Leaving()

    def run(self) -> int:
        """Run jobs until told to stop; return the exit status."""
        configure_logging(**self._order["log"])
        # May come twice where a whole group of processes gets it: only the parent knows
        # when it is meant to be the end at once.
        listen(self._stop)
        threading.Thread(target=self._listen, name="parent", daemon=True).start()
        try:
            settings = self._start()
        except CommandError as error:
            self._wire.tell(event="failed", message=str(error), status=error.status)
            return error.status
        except Exception as error:
            logger.exception("Process %s cannot start.", os.getpid())
            message = f"{type(error).__name__}: {one_line(error)}"
            self._wire.tell(event="failed", message=message, status=WRONG)
            return WRONG
        threading.Thread(target=self._beat, name="beat", daemon=True).start()
        self._stops.get()
        return self._leaving.drain(self._lookout, settings.drain_seconds)

    def _start(self) -> Settings:
        options = read_configuration(self._order["zope_conf"])
        settings = worker_settings(options, self._order["given"])
        if settings.autostart:
            # That is where services are named to those who start them.
            os.environ[f"{PREFIX}AUTOSTART"] = settings.autostart
        if settings.only:
            # Threads of services read their settings themselves.
            os.environ[f"{PREFIX}ONLY"] = ",".join(settings.only)
        # Here and not before: a wrong ``zope.conf`` is told without all of Zope.
        from plone.app.taskqueue.environment import PloneEnvironment
        from plone.app.taskqueue.startup import run_services
        from plone.app.taskqueue.worker.zope import start_zope

        import Zope2

        start_zope(options)
        self._begun = True
        bury(Zope2.DB, self._order["dead"])
        dispatcher = Dispatcher(Zope2.DB, PloneEnvironment, settings.options())
        # Before its first job, which may be the end of this process.
        self._wire.tell(event="joins", workers=[dispatcher.worker_id])
        dispatcher.start()
        self._lookout = run_services(Zope2.DB, settings)
        return settings

    # Told from outside

    def _stop(self) -> None:
        if not self._begun:
            os._exit(OK)
        self._stopping = True
        self._stops.put(None)

    def _listen(self) -> None:
        for message in self._messages:
            if message["order"] == "stop":
                self._stop()
            elif message["order"] == "end":
                self._leaving.end_now()
        # The parent is gone: there is nobody to start it again, nor to stop it.
        logger.warning("The parent of process %s is gone: it stops.", os.getpid())
        self._stop()

    def _beat(self) -> None:
        import Zope2

        reach = Reach(Zope2.DB)
        reach.start()
        while True:
            self._wire.tell(
                event="alive",
                workers=[each.worker_id for each in running.all_running()],
                ready=not self._stopping and reach.is_there,
            )
            time.sleep(BEAT)


def main() -> int:
    """Do what the parent orders."""
    descriptor = int(sys.argv[1])
    # It is not for the processes that jobs start.
    os.set_inheritable(descriptor, False)
    wire = Wire(socket.socket(fileno=descriptor))
    messages = wire.messages()
    order = next(messages, None)
    if order is None:
        return OK
    # The parent's way to let this process find its code is not for processes of jobs.
    os.environ.pop("PYTHONPATH", None)
    if order["python_path"] is not None:
        os.environ["PYTHONPATH"] = order["python_path"]
    return Child(wire, order, messages).run()


if __name__ == "__main__":
    sys.exit(main())
