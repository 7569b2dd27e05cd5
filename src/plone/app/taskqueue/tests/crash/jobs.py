"""What the jobs of these tests do: count themselves in the ledger, and come to harm."""

from persistent.mapping import PersistentMapping
from plone.app.taskqueue import local
from plone.app.taskqueue.dispatcher.bare import BareEnvironment
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.tests.crash import points
from typing import Any
from ZODB.interfaces import IConnection

import ctypes
import logging
import os
import signal
import threading
import time


logger = logging.getLogger("my.addon")


class Run:
    """What a job is handed: its connection and how often it was interrupted."""

    def __init__(self, connection: IConnection, interruptions: int):
        self.root = connection.root()
        self.manager = connection.transaction_manager
        self.transaction = self.manager.get()
        self.interruptions = interruptions

    def count(self, number: int) -> None:
        """The effect.  Counters add up, so nothing but the queue keeps it single."""
        self.root["ledger"][number].change(1)


class LedgerEnvironment(BareEnvironment):
    """Hands the run to the job and tells the test of each attempt."""

    def open(self, connection: IConnection) -> None:
        self._connection = connection

    def enter(self, job: IAsyncJob) -> tuple:
        points.say("attempt", id=job.id)
        return (Run(self._connection, job.interruptions),)


def work(run: Run, number: int) -> None:
    """Do nothing but the effect."""
    run.count(number)


def linger(run: Run, number: int) -> None:
    """Have the effect, and take a while."""
    run.count(number)
    time.sleep(0.1)


def stand_at(run: Run, number: int, point: str = "", times: int = 1) -> None:
    """Have the effect and stand at the point, if any, the first ``times`` times."""
    run.count(number)
    if point and run.interruptions < times:
        points.arrange(point, run.transaction, number)


def tell_end(run: Run, number: int) -> None:
    """Have the effect, stand inside, and tell if all of it was undone."""
    run.count(number)
    run.transaction.addAfterAbortHook(lambda: points.say("undone"))
    points.stand("inside", number)


def race(run: Run, number: int) -> None:
    """Have the effect and ask to be killed while the storage finishes."""
    run.count(number)
    if not run.interruptions:
        points.arrange_race(run.transaction, number)


def lose_answer(run: Run, number: int) -> None:
    """Have the effect, kept by a commit that seems to fail."""
    run.count(number)
    points.lose_answer(run.transaction)


def lose_next_answer(run: Run, number: int) -> None:
    """Have the effect, and let the claim after it seem to fail."""
    run.count(number)
    points.lose_next_answer(run.manager)


def make(run: Run, number: int, count: int) -> None:
    """Have the effect and add so many objects to the database."""
    run.count(number)
    for index in range(count):
        run.root["made"][number * 1000 + index] = PersistentMapping()


def keep_order(run: Run, number: int) -> None:
    """Have the effect and write the number into a record that merges nothing."""
    run.count(number)
    run.root["journal"].append(number)


def read_late(run: Run, number: int) -> None:
    """Stand inside, then read what no cache has."""
    points.stand("inside", number)
    run.root["unread"][number]()
    run.count(number)


def tell(run: Run, number: int) -> None:
    """Have the effect, tell of two steps, and stand after each."""
    run.count(number)
    for step in (1, 2):
        local.progress(step, 3, f"step {step}")
        local.annotate("steps", list(range(1, step + 1)))
        logger.warning("step %d", step)
        points.stand("told", step)


def ask_until_stopped(run: Run, number: int) -> None:
    """Have the effect, and ask whether to go on for as long as that is so."""
    run.count(number)
    points.say("asks")
    try:
        while True:
            local.checkpoint()
            time.sleep(0.01)
    except Exception as error:
        points.say("stopped asking", error=type(error).__name__)
        raise


def _segfault() -> None:
    ctypes.string_at(0)


def _out_of_memory() -> None:
    # What the kernel does to a process that takes too much.
    os.kill(os.getpid(), signal.SIGKILL)


_DEATHS = {
    "exit": lambda: os._exit(3),
    "segmentation fault": _segfault,
    "out of memory": _out_of_memory,
    "abort": os.abort,
}


def die(run: Run, number: int, how: str = "", times: int = 0) -> Any:
    """Have the effect, and take the process along the first ``times`` times."""
    run.count(number)
    if how and run.interruptions < times:
        _DEATHS[how]()


def hang(run: Run, number: int) -> None:
    """Have the effect, and answer nobody any more, the first time."""
    run.count(number)
    if not run.interruptions:
        points.say("hangs")
        threading.Event().wait()


def fail(run: Run, number: int) -> None:
    """Fail, so that the effect is undone."""
    run.count(number)
    raise ValueError("It is meant to fail.")


def fail_first(run: Run, number: int) -> None:
    """Have the effect, unless it is the very first attempt."""
    run.count(number)
    if not local.getJob().attempts:
        raise ValueError("It is meant to fail once.")


def give(run: Run, number: int, other: int) -> AsyncJob:
    """Have the effect, and return a job that has another."""
    run.count(number)
    return AsyncJob(count, other)


def count(number: int) -> None:
    """Have the effect, in a job that another one has made, which is handed no run."""
    local.getJob()._p_jar.root()["ledger"][number].change(1)
