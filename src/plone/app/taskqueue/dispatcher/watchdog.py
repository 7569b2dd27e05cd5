"""Ending a process whose job does not answer: for processes that do nothing else.

A thread cannot be stopped, and a job that never calls ``checkpoint()`` may stay for
ever.  Where the options say so, the whole process ends then: its other jobs go first
in line elsewhere, and the one that did not answer fails there, because its time was up.
"""

from collections.abc import Callable
from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.maintenance import in_transaction
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.container import find_queues
from plone.app.taskqueue.queue.registry import fence
from typing import Any
from ZODB.interfaces import IConnection

import logging
import os
import sys
import threading
import traceback


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

#: How a process ends that its watchdog has ended: "temporary failure, try again".
EXIT_STATUS = 75

_lock = threading.Lock()
_limited: dict[Any, int] = {}


def watch(run: Any) -> None:
    """A run with a time limit begins in this thread."""
    with _lock:
        _limited[run] = threading.get_ident()


def release(run: Any) -> None:
    """It is over."""
    with _lock:
        _limited.pop(run, None)


def end_process() -> None:
    """End this process at once, after what was logged is written."""
    logging.shutdown()
    os._exit(EXIT_STATUS)


class Watchdog:
    """Looks whether a run goes on for longer than its limit and ``patience`` seconds."""

    def __init__(
        self,
        patience: float,
        worker_id: Callable[[], str],
        end: Callable[[], None] = end_process,
    ):
        self.interval = min(1.0, max(0.05, patience / 2))
        self._patience = patience
        self._worker_id = worker_id
        self._end = end

    def run(self, connection: IConnection) -> None:
        with _lock:
            runs = list(_limited.items())
        now = clock.monotonic()
        stuck = [
            (run, ident)
            for run, ident in runs
            # Runs of another dispatcher in this process are its own business.
            if run.worker_id == self._worker_id()
            and now - run.began > run.limit + self._patience
        ]
        if not stuck:
            return
        for run, ident in stuck:
            _report(run, ident)
        in_transaction(connection, self._give_up, [run for run, _ in stuck])
        self._end()

    def _give_up(self, connection: IConnection, runs: list[Any]) -> None:
        queues = find_queues(connection)
        for run in runs:
            job = queues._p_jar.get(run.job._p_oid)
            if isinstance(job, AsyncJob):
                job.set_extra("overran", run.limit)
        worker = queues.workers.get(self._worker_id())
        if worker is not None:
            fence(queues, worker)


def _report(run: Any, ident: int) -> None:
    frame = sys._current_frames().get(ident)
    where = "" if frame is None else "".join(traceback.format_stack(frame))
    logger.critical(
        "%s does not answer: its limit of %g seconds is over since long. This process "
        "ends now, and another one will write down that the job has failed. It is "
        "here:\n%s",
        run.describe(),
        run.limit,
        where,
    )
