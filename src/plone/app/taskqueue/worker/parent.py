"""The parent process of a worker: starts processes, watches them, and ends them.

It holds no connection to any database and runs no job, so nothing that a job does can
hurt it.  All is done in its one thread, in rounds.
"""

from collections.abc import Mapping
from plone.app.taskqueue.settings import Settings
from plone.app.taskqueue.worker.configuration import read_configuration
from plone.app.taskqueue.worker.configuration import worker_settings
from plone.app.taskqueue.worker.errors import CommandError
from plone.app.taskqueue.worker.errors import CUT_OFF
from plone.app.taskqueue.worker.errors import MISCONFIGURED
from plone.app.taskqueue.worker.errors import OK
from plone.app.taskqueue.worker.health import Health
from plone.app.taskqueue.worker.health import ReadyFile
from plone.app.taskqueue.worker.hearing import Hearing
from plone.app.taskqueue.worker.orphans import reap
from plone.app.taskqueue.worker.overseer import Overseer
from plone.app.taskqueue.worker.process import Process
from plone.app.taskqueue.worker.slot import Slot
from typing import Any

import logging
import os
import signal
import time


logger = logging.getLogger("plone.app.taskqueue.worker")

#: Seconds of one round, if nothing happens.
_ROUND = 1.0
#: Seconds for which processes that are to end at once may take leave.
_LEAVE = 5.0

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class Parent:
    """Keeps as many processes running as the settings say, until it is told to stop.

    ``given`` are the settings of the command line.  ``CommandError``: ``zope.conf`` or a
    setting cannot be used.
    """

    def __init__(
        self,
        zope_conf: str,
        given: Mapping[str, str],
        log: Mapping[str, Any],
        health: Health,
        ready_file: ReadyFile | None = None,
    ):
        self._zope_conf = os.path.abspath(zope_conf)
        self._given = dict(given)
        self._log = dict(log)
        self._health = health
        self._ready_file = ready_file
        self._settings = self._read()
        self._slots: list[Slot] = []
        self._hearing = Hearing(_SIGNALS)
        #: Ids of workers that died; the next process takes their jobs.
        self._dead: list[str] = []
        self._ever_ready = False
        self._overseer = Overseer()
        #: How it ends; ``None`` while it goes on.
        self._status: int | None = None
        self._complaint: str | None = None
        self._kill_at: float | None = None

    def _read(self) -> Settings:
        return worker_settings(read_configuration(self._zope_conf), self._given)

    def run(self) -> int:
        """Go on until all processes have ended after a signal; return the status.

        ``CommandError``: the first processes found that they cannot be configured.
        """
        self._adjust()
        try:
            with self._hearing:
                while self._status is None or self._processes():
                    self._round()
                    self._hearing.wait(_ROUND)
        finally:
            if self._ready_file is not None:
                self._ready_file.remove()
        if self._complaint is not None:
            raise CommandError(self._complaint, self._status)
        logger.info("The worker has stopped.")
        return self._status

    def _processes(self) -> list[Process]:
        return [slot.process for slot in self._slots if slot.process is not None]

    def _round(self) -> None:
        for number in self._hearing.signals():
            self._heed(number)
        for slot in self._slots:
            if slot.process is not None:
                self._look_at(slot, slot.process)
        reap([process.pid for process in self._processes()])
        self._overseer.look(self._processes(), self._settings)
        self._slots = [slot for slot in self._slots if slot.process or not slot.closed]
        if self._status is None:
            for slot in self._slots:
                if slot.wanted:
                    self._fill(slot)
        elif self._kill_at is not None and time.monotonic() > self._kill_at:
            for process in self._processes():
                process.kill()
        self._tell_health()

    # Signals

    def _heed(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._reload()
        elif number in (signal.SIGTERM, signal.SIGINT):
            if self._status is None:
                self._drain()
            else:
                self._end()

    def _drain(self) -> None:
        logger.info(
            "The worker stops: it waits for the jobs that run and begins no other. A "
            "second signal ends it at once."
        )
        self._status = OK
        for slot in self._slots:
            slot.closed = True
        for process in self._processes():
            process.stop("stop", self._settings.drain_seconds)

    def _end(self) -> None:
        if self._kill_at is not None:
            return
        logger.warning("The worker ends at once: jobs that run begin again elsewhere.")
        self._status = CUT_OFF
        self._kill_at = time.monotonic() + _LEAVE
        for process in self._processes():
            process.end()

    def _reload(self) -> None:
        if self._status is not None:
            return
        try:
            self._settings = self._read()
        except CommandError as error:
            logger.error("The worker goes on with its old settings: %s", error)
            return
        logger.info("The worker reads its settings again and replaces its processes.")
        self._adjust()
        for slot in self._slots:
            slot.start_over()
        for process in self._processes():
            process.stop("reload", self._settings.drain_seconds)

    # Processes

    def _adjust(self) -> None:
        """Have as many open slots as there are to be processes."""
        wanted = self._settings.processes
        slots = [slot for slot in self._slots if not slot.closed]
        for slot in slots[wanted:]:
            slot.closed = True
        self._slots += [Slot() for _ in range(wanted - len(slots))]

    def _fill(self, slot: Slot) -> None:
        order = {
            "zope_conf": self._zope_conf,
            "given": self._given,
            "log": self._log,
            "dead": self._dead,
        }
        try:
            slot.process = Process(order)
        except OSError as error:
            slot.failed(error)
            return
        self._dead = []
        self._hearing.add(slot.process)
        logger.info("Process %s starts.", slot.process.pid)

    def _look_at(self, slot: Slot, process: Process) -> None:
        self._ever_ready = self._ever_ready or process.was_ready
        status = process.poll()
        if status is None:
            return
        self._hearing.remove(process)
        process.close()
        if status != OK:
            # It is certain that they do nothing any more.
            self._dead += process.workers
        if not process.was_ready:
            self._dead += process.buries
        if self._status == OK and (
            status == CUT_OFF or (status < 0 and process.workers)
        ):
            # Jobs that it ran begin again elsewhere.
            self._status = CUT_OFF
        if (
            status == MISCONFIGURED
            and not self._ever_ready
            and process.complaint is not None
            and self._status is None
        ):
            # Nobody has time to wait for what cannot heal.
            slot.process = None
            self._complaint = process.complaint[0]
            self._drain()
            self._status = MISCONFIGURED
            return
        slot.ended(process, status)

    def _tell_health(self) -> None:
        processes = self._processes()
        state = {
            "ready": self._status is None
            and len(processes) == self._settings.processes
            and all(process.ready for process in processes),
            # Longer without a sign, and others have taken its jobs.
            "live": all(
                (process.silent_seconds() or 0) < self._settings.lease_seconds
                for process in processes
            ),
            "processes": [process.describe() for process in processes],
        }
        self._health.tell(state)
        if self._ready_file is not None:
            self._ready_file.update(state)
