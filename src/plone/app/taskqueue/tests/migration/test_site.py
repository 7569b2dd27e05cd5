"""A service of five.taskqueue in a database of Zope, and in a site."""

from OFS.Application import Application
from OFS.Folder import Folder
from OFS.interfaces import IItem
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.migration import find_services
from plone.app.taskqueue.migration import move
from plone.app.taskqueue.migration import read_service
from plone.app.taskqueue.migration import remove_old
from plone.app.taskqueue.service import SiteTaskService
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.task import SimpleTask
from plone.app.taskqueue.testing import PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING
from plone.app.taskqueue.tests.migration.old import ENDED
from plone.app.taskqueue.tests.migration.old import fill
from plone.app.taskqueue.tests.migration.old import installed
from plone.app.taskqueue.tests.migration.old import leave_behind
from plone.app.taskqueue.tests.migration.old import Old
from plone.app.taskqueue.tests.migration.old import OPEN
from plone.app.taskqueue.tests.service.tasks import echo
from plone.app.taskqueue.tests.service.tasks import provide_task
from plone.app.taskqueue.tests.service.tasks import registry
from ZODB import DB
from ZODB.FileStorage import FileStorage
from ZODB.interfaces import IBroken
from zope.component import getGlobalSiteManager
from zope.component import provideUtility
from Zope2.App.ClassFactory import ClassFactory

import pytest
import transaction
import unittest


class ZopeDB(DB):
    """Makes of objects without a class what Zope makes of them."""

    def classFactory(self, connection, module, name):
        """Return the class of that name."""
        return ClassFactory(connection, module, name)


@pytest.fixture
def app(tmp_path):
    """The root of Zope in a database with an old service, opened again."""
    path = str(tmp_path / "Data.fs")
    with registry():
        provide_task("echo", echo)
        with installed():
            database = ZopeDB(FileStorage(path))
            connection = database.open()
            root = connection.root()["Application"] = Application()
            root._setObject("intranet", Folder("intranet"))
            old = Old("five.taskqueue")
            old.service.id = "remote"
            root.intranet._setObject("remote", old.service)
            fill(old)
            connection.root()["new"] = TaskService()
            transaction.commit()
            connection.close()
            database.close()
        database = ZopeDB(FileStorage(path))
        connection = database.open()
        yield connection.root()["Application"]
        transaction.abort()
        connection.close()
        database.close()


def test_a_service_in_a_folder_of_zope_moves_and_is_removed(app):
    broken = app.intranet.remote
    assert IBroken.providedBy(broken)
    assert IItem.providedBy(broken)
    (old,) = find_services(app)
    assert old.path == ("intranet", "remote")
    assert old.oid == read_service(broken).oid
    assert list(read_service(broken)) == list(old)
    service = app._p_jar.root()["new"]
    report = move(old, service)
    transaction.commit()
    assert (set(report.moved), set(report.ended)) == (OPEN, ENDED)
    assert app.intranet.objectIds() == ["remote"]
    remove_old(app.intranet, old)
    transaction.commit()
    app._p_jar.cacheMinimize()
    assert app.intranet.objectIds() == []
    assert not hasattr(app.intranet, "remote")
    assert list(find_services(app)) == []
    service.process()
    assert service.getResult(3) == {"page": 3}


def fill_site(old):
    """Add two queued jobs, the later one first, and a cron job."""
    for number in (5, 4):
        old.add(number, "remote echo", number)
    old.add_cron(6, "remote echo", hour=(3,))


class TestASite(unittest.TestCase):
    layer = PLONE_APP_TASKQUEUE_FUNCTIONAL_TESTING

    def setUp(self):
        self.portal = self.layer["portal"]
        task = SimpleTask(echo)
        provideUtility(task, ITask, "remote echo")
        registered = getGlobalSiteManager()
        self.addCleanup(registered.unregisterUtility, task, ITask, "remote echo")
        leave_behind(self.layer["app"], "plone/remote", fill_site)
        self.portal._setObject("tasks", SiteTaskService("tasks"))
        transaction.commit()

    def test_jobs_go_on_in_a_service_of_the_site(self):
        (old,) = find_services(self.portal)
        self.assertEqual(old.path[-1], "remote")
        service = self.portal.tasks
        rehearsed = move(old, service, dry_run=True)
        self.assertEqual(len(service.jobs), 0)
        report = move(old, service)
        transaction.commit()
        self.assertEqual(report, rehearsed)
        self.assertEqual(list(report.moved), [5, 4, 6])
        service.process()
        transaction.commit()
        self.assertEqual([service.getResult(n) for n in (4, 5)], [4, 5])
        self.assertEqual(service.getStatus(6), "cronjob")
        service._queue.check()

    def test_an_old_service_is_removed_from_a_site_and_from_its_order(self):
        (old,) = find_services(self.portal._p_jar)
        self.portal.moveObjectsToTop(["tasks"])
        remove_old(self.portal, old)
        transaction.commit()
        self.assertNotIn("remote", self.portal.objectIds())
        self.assertNotIn("remote", self.portal.getOrdering().idsInOrder())
        self.assertEqual(list(find_services(self.portal._p_jar)), [])
        with self.assertRaises(ValueError):
            remove_old(self.portal, old)
