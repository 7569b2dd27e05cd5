"""How a process that runs jobs ends: in order, or at once."""

from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher import running
from plone.app.taskqueue.worker.errors import CUT_OFF
from plone.app.taskqueue.worker.errors import OK
from typing import Any

import logging
import os
import threading
import time


logger = logging.getLogger("plone.app.taskqueue.worker")

#: Seconds that giving up the jobs may take before the process ends anyhow.
_LAST_WORDS = 3.0
#: Seconds after the drain for which it waits for what jobs have left in it.
_LAST_THREADS = 3.0


class Leaving:
    """The end of this process; any thread may cut it short."""

    def __init__(self) -> None:
        #: Those whose jobs it waits for.
        self._draining: list[Dispatcher] = []

    def drain(self, lookout: Any, seconds: float | None) -> int:
        """Wait for the jobs that run, and begin no more; return the exit status.

        Does not return, but ends at once, if they still run after so many seconds.
        """
        # Before: it shall start nothing that nobody waits for.
        lookout.stop()
        # All at a time: none shall claim anew while another one waits for its jobs.
        self._draining = running.all_running()
        ended: list[bool] = []
        threads = [
            threading.Thread(target=lambda each=each: ended.append(each.stop(seconds)))
            for each in self._draining
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if ended.count(True) < len(threads):
            self.end_now()
        from plone.app.taskqueue.worker.zope import close_zope

        # Threads that a job has started and forgotten would keep the process for ever.
        end = threading.Timer(_LAST_THREADS, os._exit, (OK,))
        end.daemon = True
        end.start()
        close_zope()
        return OK

    def end_now(self) -> None:
        """End without waiting for any job; others begin them again."""
        threads = [
            threading.Thread(target=_give_up, args=(each,), daemon=True)
            for each in self._draining or running.all_running()
        ]
        for thread in threads:
            thread.start()
        until = time.monotonic() + _LAST_WORDS
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        logging.shutdown()
        os._exit(CUT_OFF)


def _give_up(dispatcher: Dispatcher) -> None:
    try:
        dispatcher.give_up()
    except Exception as error:
        logger.warning(
            "The jobs of worker %s could not be given up (%r): others begin them again "
            "when its lease has expired.",
            dispatcher.worker_id,
            error,
        )
