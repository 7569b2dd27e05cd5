"""The same server and instance as for workers."""

from plone.app.taskqueue.tests.worker.conftest import instance
from plone.app.taskqueue.tests.worker.conftest import server


__all__ = ["instance", "server"]
