"""Callbacks that count themselves in the ledger, and come to harm."""

from plone.app.taskqueue import local
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.tests.crash import points
from plone.app.taskqueue.tests.crash.jobs import Run
from typing import Any

import os


def call_back(run: Run, number: int, *hows: str) -> None:
    """Have the effect, and have as many callbacks as ``hows``, with the next numbers."""
    run.count(number)
    for following, how in enumerate(hows, number + 1):
        local.getJob().addCallback(AsyncJob(be_called, following, how))


def be_called(number: int, how: str, outcome: Any) -> int:
    """Have the effect, and exit each time or stand at a point once."""
    callback = local.getJob()
    connection = callback._p_jar
    connection.root()["ledger"][number].change(1)
    if how == "exit":
        os._exit(3)
    # One that died after its commit is not called again.
    if how in points.KEPT or (how and not callback.interruptions):
        points.arrange(how, connection.transaction_manager.get(), number)
    return number
