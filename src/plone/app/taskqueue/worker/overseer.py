"""Looking after processes that cannot look after themselves."""

from collections.abc import Iterable
from plone.app.taskqueue.settings import Settings
from plone.app.taskqueue.worker.process import Process

import logging
import time


logger = logging.getLogger("plone.app.taskqueue.worker")

#: Seconds between two looks at the memory.
_MEMORY_ROUND = 5.0
#: Seconds between two looks after which the parent has itself been frozen.
_FROZEN = 5.0
#: Seconds beyond its lease for which a process may be silent.
_GRACE = 5.0
#: Seconds after the drain in which a process may give up its jobs and take leave.
_LEAVE = 15.0
#: Seconds after which it is said that a start takes long.
_LONG_START = 60.0


class Overseer:
    """Told of the processes in each of the parent's rounds."""

    def __init__(self) -> None:
        self._looked = time.monotonic()
        self._looked_at_memory = 0.0

    def look(self, processes: Iterable[Process], settings: Settings) -> None:
        """End those that give no sign of life or do not stop, replace those that grew."""
        now = time.monotonic()
        frozen = now - self._looked
        self._looked = now
        memory = (
            settings.memory_mb is not None
            and now - self._looked_at_memory >= _MEMORY_ROUND
        )
        if memory:
            self._looked_at_memory = now
        for process in processes:
            if frozen > _FROZEN:
                # Nobody has listened meanwhile.
                process.excuse(frozen)
            _look_at_silence(process, settings.lease_seconds)
            _look_at_stop(process)
            _look_at_start(process)
            if memory and process.was_ready and process.stopping is None:
                _look_at_memory(process, settings)


def _look_at_silence(process: Process, lease_seconds: float) -> None:
    silent = process.silent_seconds()
    if silent is None or silent <= lease_seconds + _GRACE or process.is_ending:
        return
    # It may be in code that keeps Python's lock, where no thread of its own can end it.
    logger.error(
        "Process %s has given no sign of life for %.0f seconds, and others may have its "
        "jobs by now. It is ended. Its threads are:",
        process.pid,
        silent,
    )
    process.show_and_kill()


def _look_at_stop(process: Process) -> None:
    if process.overdue_seconds() <= _LEAVE or process.is_ending:
        return
    logger.error(
        "Process %s was told to stop and has not when drain-seconds were over. It is "
        "ended. Its threads are:",
        process.pid,
    )
    process.show_and_kill()


def _look_at_start(process: Process) -> None:
    if process.last_sign is None and not process.starts_long:
        process.starts_long = process.seconds() > _LONG_START
        if process.starts_long:
            logger.warning(
                "Process %s has been starting for %g seconds: the database may be out of "
                "reach, or an import hang. kill -QUIT %s shows where it is.",
                process.pid,
                _LONG_START,
                process.pid,
            )


def _look_at_memory(process: Process, settings: Settings) -> None:
    size = process.memory_mb()
    if size is not None and size > settings.memory_mb:
        logger.warning(
            "Process %s has %.0f MB of memory, more than the %g MB of memory-mb. It is "
            "replaced when the jobs that it runs have ended.",
            process.pid,
            size,
            settings.memory_mb,
        )
        process.stop("memory", settings.drain_seconds)
