"""A service in a site on a real database, and the threads that run its jobs."""

from collections import Counter
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.service.surroundings import SiteEnvironment
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.functions import stage
from plone.app.taskqueue.tests.service.tasks import echo
from plone.app.taskqueue.tests.service.tasks import provide_task
from plone.app.taskqueue.tests.service.tasks import registry
from zope.site import LocalSiteManager
from zope.site.folder import Folder
from zope.site.folder import rootFolder

import pytest
import threading


START = 1_700_000_040.0  # on the minute


class Announcing(SiteEnvironment):
    """Tells the test when a transaction of jobs has ended."""

    def close(self):
        super().close()
        stage.notify()


class Place:
    """A service in a site, and threads that run its jobs."""

    def __init__(self, engine):
        self.engine = engine
        self.connection = engine.connect()
        self.manager = self.connection.transaction_manager
        root = rootFolder()
        site = root["site"] = Folder()
        site.setSiteManager(LocalSiteManager(site))
        self.service = site.getSiteManager()["default"]["tasks"] = TaskService()
        self.root = root
        with self.manager:
            self.connection.root()["Application"] = root
            get_queues(self.connection)
        self.seen = Counter()

    def add(self, *args, **kwargs):
        with self.manager:
            return self.service.add(*args, **kwargs)

    def note(self, input):
        self.seen[input] += 1

    def now(self):
        """Return the service as it is committed now."""
        self.manager.begin()
        return self.service

    def wait_for_status(self, number, status):
        def look():
            return self.now().getStatus(number) == status

        with stage.changed:
            assert stage.changed.wait_for(look, PATIENCE), self.service.getStatus(
                number
            )

    def wait_for_runs(self, number, count):
        """Wait until the cron job has had so many runs, as they were committed."""

        def look():
            return self.now()._queue.counts()["completed"] >= count

        with stage.changed:
            assert stage.changed.wait_for(look, PATIENCE)


@pytest.fixture
def place(engine, monkeypatch):
    monkeypatch.setattr(
        "plone.app.taskqueue.service.TaskService.environmentFactory", Announcing
    )
    with registry():
        provide_task("echo", echo)
        place = Place(engine)
        provide_task("note", place.note)
        yield place
        place.manager.abort()
        place.service.stopProcessing()


def threads():
    return [
        thread
        for thread in threading.enumerate()
        if thread.name.startswith("remotetasks.")
    ]
