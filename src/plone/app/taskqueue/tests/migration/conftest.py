"""Databases that the old packages have left behind."""

from BTrees.OOBTree import OOBTree
from collections.abc import Callable
from plone.app.taskqueue import clock
from plone.app.taskqueue.migration import find_services
from plone.app.taskqueue.migration import OldService
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.tests.engine import Engine
from plone.app.taskqueue.tests.migration.old import fill
from plone.app.taskqueue.tests.migration.old import installed
from plone.app.taskqueue.tests.migration.old import Old
from plone.app.taskqueue.tests.service.tasks import echo
from plone.app.taskqueue.tests.service.tasks import provide_task
from plone.app.taskqueue.tests.service.tasks import registry
from typing import Any
from ZODB.Connection import TransactionMetaData
from ZODB.utils import p64
from zope.site.folder import Folder
from zope.site.folder import rootFolder

import pytest


NOW = 1_000_000.0


class Left:
    """A database with an old service, and a new one that is empty."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.service: TaskService

    def build(
        self, system: str, fill: Callable[[Old], Any] = fill, queue: str = "Queue"
    ) -> dict[int, int]:
        """Store a service of that system; return the record numbers of its jobs."""
        with installed():
            connection = self.engine.connect()
            with connection.transaction_manager:
                old = Old(system, queue)
                fill(old)
                root = connection.root()
                root["Application"] = rootFolder()
                root["Application"]["site"] = Folder()
                root["Application"]["site"]["tasks"] = old.service
                root["new"] = TaskService()
                root["other"] = OOBTree({name: Folder() for name in "abc"})
            oids = {
                number: int.from_bytes(job._p_oid, "big")
                for number, job in old.service.jobs.items()
            }
        self.engine.reopen()
        return oids

    def open(self) -> OldService:
        """Return the old service, and set ``service`` to the new one."""
        connection = self.engine.connect()
        self.service = connection.root()["new"]
        (found,) = find_services(connection)
        return found

    def delete(self, number: int) -> None:
        """Delete a record, as a wrong garbage collection does."""
        storage = self.engine.storage
        oid = p64(number)
        meta = TransactionMetaData()
        storage.tpc_begin(meta)
        storage.deleteObject(oid, storage.load(oid)[1], meta)
        storage.tpc_vote(meta)
        storage.tpc_finish(meta)
        self.engine.reopen()

    def commit(self) -> None:
        self.service._p_jar.transaction_manager.commit()

    def words(self) -> dict[int, str]:
        """Return the statuses of the new service's jobs."""
        return {number: job.status for number, job in self.service.jobs.items()}


@pytest.fixture
def left(engine):
    with registry(), clock.at(NOW):
        provide_task("echo", echo)
        yield Left(engine)
