"""Services that are started with the process, as ``autostart`` says."""

from App.config import getConfiguration
from contextlib import closing
from contextlib import contextmanager
from OFS.Application import Application
from pathlib import Path
from plone.app.taskqueue.interfaces import ITaskService
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.service import bootStrapSubscriber
from plone.app.taskqueue.service import getAutostartServiceNames
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.service.lookout import Lookout
from plone.app.taskqueue.settings import PREFIX
from plone.app.taskqueue.settings import SECTION
from plone.app.taskqueue.tests.service.tasks import echo
from plone.app.taskqueue.tests.service.tasks import provide_task
from plone.app.taskqueue.tests.service.tasks import registry
from plone.app.taskqueue.tests.service.test_startup import configure
from plone.app.taskqueue.tests.service.test_startup import instance
from plone.app.taskqueue.tests.service.test_startup import READY
from plone.app.taskqueue.tests.service.test_startup import run_script
from plone.app.taskqueue.tests.service.test_startup import section
from plone.app.taskqueue.tests.service.test_startup import serve
from plone.app.taskqueue.tests.service.test_startup import SITE_ZCML
from ZODB import DB
from ZODB.FileStorage import FileStorage
from ZODB.utils import u64
from zope.processlifetime import DatabaseOpenedWithRoot
from zope.site import LocalSiteManager
from zope.site.folder import Folder
from zope.site.folder import rootFolder

import os
import pytest
import signal
import transaction


__all__ = ["instance"]  # a fixture

LOGGER = "plone.app.taskqueue"

TASK_ZCML = """
  <include package="zope.component" file="meta.zcml" />
  <utility
      factory="plone.app.taskqueue.tests.service.tasks.LoggingTask"
      provides="plone.app.taskqueue.interfaces.ITask"
      name="log"
      />
  <utility
      factory="plone.app.taskqueue.tests.service.tasks.PipeTask"
      provides="plone.app.taskqueue.interfaces.ITask"
      name="pipe"
      />
</configure>
"""


def new_site(parent, name):
    """Add a site with a service that is registered in it, and return both."""
    site = Folder()
    parent[name] = site
    site.setSiteManager(LocalSiteManager(site))
    return site, add_service(site)


def add_service(site):
    service = TaskService()
    registered = site.getSiteManager()
    registered["default"]["tasks"] = service
    registered.registerUtility(service, ITaskService, name="Tasks")
    return service


@pytest.fixture
def opened(engine, monkeypatch):
    """Two sites with a service each; call it with directives, for the log."""
    monkeypatch.setattr(getConfiguration(), "product_config", {}, raising=False)
    with registry():
        connection = engine.connect()
        root = rootFolder()
        services = [new_site(root, name)[1] for name in ("one", "two")]
        with connection.transaction_manager:
            connection.root()["Application"] = root
        yield services, DatabaseOpenedWithRoot(engine.db)
        for service in services:
            service.stopProcessing()


def start(event, directives):
    getConfiguration().product_config = {SECTION: {"autostart": directives}}
    bootStrapSubscriber(event)


def lines(caplog):
    found = [
        f"{record.levelname} {record.getMessage()}"
        for record in caplog.records
        if record.name.startswith(LOGGER)
    ]
    caplog.clear()
    assert found.pop(0) == "INFO handling event IStartRemoteTasksEvent"
    return found


def test_without_a_directive_nothing_is_started_and_nothing_said(opened, caplog):
    caplog.set_level(1)
    bootStrapSubscriber(opened[1])
    start(opened[1], "")
    assert not [record for record in caplog.records if record.name == LOGGER]


@pytest.mark.parametrize(
    ("directives", "expected"),
    [
        ("one@Tasks", ["INFO service Tasks on site one started"]),
        ("one@*", ["INFO service Tasks on site one started"]),
        (
            "*@*",
            [
                "INFO service Tasks on site one started",
                "INFO service Tasks on site two started",
            ],
        ),
        (
            " two@Tasks , one@Tasks",
            [
                "INFO service Tasks on site two started",
                "INFO service Tasks on site one started",
            ],
        ),
        ("three@Tasks", ["ERROR site three not found"]),
        ("one@Other", ["ERROR service Other on site one not found"]),
        ("@Tasks", ["ERROR service Tasks on site root not found"]),
        ("*@Other", ["WARNING no services started by directive *@Other"]),
        ("Tasks", ["ERROR the directive Tasks is not of the form site@service"]),
    ],
)
def test_each_directive_is_told_in_the_log(opened, caplog, directives, expected):
    caplog.set_level(1)
    start(opened[1], directives)
    assert lines(caplog) == expected


def test_services_that_run_already_are_left_alone(opened, caplog):
    caplog.set_level(1)
    services, event = opened
    services[0].startProcessing()
    start(event, "one@Tasks")
    assert lines(caplog) == []
    assert services[0].isProcessing()


def test_the_environment_goes_before_zope_conf(opened, monkeypatch):
    monkeypatch.setenv(f"{PREFIX}AUTOSTART", "a@b, @c")
    getConfiguration().product_config = {SECTION: {"autostart": "one@Tasks"}}
    assert getAutostartServiceNames() == ["a@b", "@c"]


def test_a_service_that_cannot_be_started_does_not_keep_others_from_it(opened, caplog):
    services, event = opened
    with services[0]._p_jar.transaction_manager:
        services[0].processorArguments = {"waitTime": "long"}
    start(event, "*@*")
    assert "service Tasks on site one cannot be started" in caplog.messages
    assert [service.isProcessing() for service in services] == [False, True]


def test_a_service_that_was_deleted_and_is_still_registered_is_not_found(
    opened, caplog
):
    caplog.set_level(1)
    services, event = opened
    with services[0]._p_jar.transaction_manager:
        folder = services[0].__parent__
        del folder["tasks"]
    start(event, "one@Tasks, one@*")
    assert lines(caplog) == [
        "ERROR service Tasks on site one not found",
        "WARNING no services started by directive one@*",
    ]


@pytest.mark.parametrize("known", [False, True])
def test_a_database_that_cannot_be_written_is_told_in_one_line(
    opened, engine, caplog, known
):
    service = opened[0][0]
    if known:
        service.startProcessing()
        service.stopProcessing()
    storage = FileStorage(engine.storage.getName(), read_only=True)
    with closing(DB(storage)) as database:
        start(DatabaseOpenedWithRoot(database), "one@Tasks")
    errors = [
        record.message for record in caplog.records if record.levelname == "ERROR"
    ]
    assert errors == ["service Tasks on site one cannot be started"]
    assert not service.isProcessing()


def test_a_site_that_cannot_be_read_does_not_keep_others_from_it(
    opened, engine, caplog
):
    services, _ = opened
    oid = u64(services[0]._p_jar.root()["Application"]["one"]._p_oid)
    engine.overwrite(oid, b"garbage")
    two = engine.connect().root()["Application"]["two"]
    services[:] = [two.getSiteManager()["default"]["tasks"]]
    start(DatabaseOpenedWithRoot(engine.db), "*@Tasks")
    assert "site one cannot be read" in caplog.messages
    assert services[0].isProcessing()
    engine.damaged = True


def look(lookout, engine):
    with closing(engine.db.open(transaction.TransactionManager())) as connection:
        lookout.run(connection)


@pytest.fixture
def lookout(opened, engine):
    """A lookout for all sites, which has begun where one of them runs."""
    _, event = opened
    start(event, "one@Tasks")
    getConfiguration().product_config = {SECTION: {"autostart": "*@Tasks"}}
    found = Lookout(engine.db)
    found.start()
    yield found
    found.stop()


def test_a_service_that_is_added_later_is_started_once(opened, lookout, engine, caplog):
    caplog.set_level(20)
    services, _ = opened
    look(lookout, engine)
    assert services[1].isProcessing()
    assert "service Tasks on site two started" in caplog.messages
    # Neither of them, once somebody has stopped it.
    for service in services:
        service.stopProcessing()
    with services[0]._p_jar.transaction_manager:
        services[0].processorArguments = {"waitTime": 2.0}
    look(lookout, engine)
    assert not any(service.isProcessing() for service in services)


def test_a_service_that_is_added_between_two_looks_is_started(opened, lookout, engine):
    look(lookout, engine)
    look(lookout, engine)
    services, _ = opened
    connection = services[0]._p_jar
    with connection.transaction_manager:
        services.append(new_site(connection.root()["Application"], "three")[1])
    look(lookout, engine)
    assert services[2].isProcessing()


def test_nothing_is_looked_at_where_nobody_has_committed(
    opened, lookout, engine, monkeypatch
):
    look(lookout, engine)
    # Once more for what it has started itself, which has written.
    look(lookout, engine)
    monkeypatch.setattr(
        "plone.app.taskqueue.service.lookout.root_of", lambda connection: 1 / 0
    )
    look(lookout, engine)


def test_a_service_that_cannot_be_started_is_tried_again_ever_less_often(
    opened, lookout, engine, caplog, monkeypatch
):
    seconds = [0.0]
    monkeypatch.setattr("plone.app.taskqueue.clock.monotonic", lambda: seconds[0])
    service = opened[0][1]
    with service._p_jar.transaction_manager:
        service.processorArguments = {"waitTime": "long"}
    for seconds[0] in range(0, 100, 10):
        look(lookout, engine)
    message = "service Tasks on site two cannot be started"
    assert caplog.messages.count(message) == 3
    with service._p_jar.transaction_manager:
        service.processorArguments = {"waitTime": 1.0}
    seconds[0] = 200.0
    look(lookout, engine)
    assert service.isProcessing()


@contextmanager
def application(path: Path):
    """Give the application root of an instance whose server is not running."""
    database = DB(FileStorage(str(path / "Data.fs")))
    connection = database.open()
    try:
        root = connection.root()
        if "Application" not in root:
            root["Application"] = Application()
        yield root["Application"]
        transaction.commit()
    finally:
        transaction.abort()
        connection.close()
        database.close()


def set_up_site(path: Path, settings: str) -> None:
    """Add a site with a service to an instance, and tasks for it."""
    zcml = SITE_ZCML.replace("</configure>", TASK_ZCML)
    (path / "etc" / "site.zcml").write_text(zcml)
    configure(path, section(settings))
    with application(path) as app:
        site, _ = new_site({}, "site")
        site.__name__ = "site"
        app._setOb("site", site)
        app._objects += ({"id": "site", "meta_type": "Folder"},)


def service_of(app):
    return app._getOb("site").getSiteManager()["default"]["tasks"]


def test_a_web_server_runs_the_jobs_of_services_and_ends_in_order(instance):
    set_up_site(instance, "threads 0\nautostart site@Tasks, gone@Tasks")
    with application(instance) as app:
        service = service_of(app)
        number = service.addCronJob("log", "later", delay=1)
        transaction.commit()
    with serve(instance) as server:
        server.read_until("service Tasks on site site started")
        server.read_until("ERROR .*site gone not found")
        server.read_until(READY)
        server.read_until("ran later")
        log = server.end(signal.SIGTERM)
        assert "Traceback" not in log
        assert "runs jobs in" not in log
        assert server.process.returncode == 0
    with application(instance) as app:
        service = service_of(app)
        assert service.getStatus(number) == "completed"
        assert service.getResult(number) == "later"
        assert len(service._queue.leases) == 0
        assert list(get_queues(app._p_jar).workers) == []


def test_the_job_of_a_service_is_finished_when_its_process_is_told_to_end(instance):
    begun, end = instance / "begun", instance / "end"
    os.mkfifo(begun)
    os.mkfifo(end)
    set_up_site(instance, "threads 0\nstop-seconds 30\nautostart *@*")
    with registry(), application(instance) as app:
        provide_task("pipe", echo)
        service = service_of(app)
        first, second = (service.add("pipe", (str(begun), str(end))) for _ in "12")
    with serve(instance) as server:
        assert begun.read_text() == "begun"
        server.read_until(READY)
        server.process.send_signal(signal.SIGTERM)
        end.write_text("told")
        log = server.process.communicate(timeout=30)[1]
        assert "Traceback" not in log
        assert server.process.returncode == 0
    with application(instance) as app:
        service = service_of(app)
        assert service.getResult(first) == "told"
        assert service.getStatus(second) == "queued"
        assert len(service._queue.leases) == 0
        assert list(get_queues(app._p_jar).workers) == []


PLONE_ZCML = """
<configure xmlns="http://namespaces.zope.org/zope"
           xmlns:five="http://namespaces.zope.org/five"
           xmlns:meta="http://namespaces.zope.org/meta">
  <include package="Products.Five" />
  <meta:redefinePermission from="zope2.Public" to="zope.Public" />
  <five:loadProducts file="meta.zcml" />
  <five:loadProducts />
  <five:loadProductsOverrides />
  <include package="plone.app.taskqueue" />
  <securityPolicy component="AccessControl.security.SecurityPolicy" />
  <utility
      factory="plone.app.taskqueue.tests.service.tasks.UserTask"
      provides="plone.app.taskqueue.interfaces.ITask"
      name="tell-user"
      />
</configure>
"""

PLONE_SCRIPT = """
from plone.app.taskqueue.service import SiteTaskService
from Products.CMFPlone.factory import addPloneSite
from zope.component.hooks import setSite
import transaction

site = addPloneSite(app, "site")
setSite(site)
site.acl_users.userFolderAddUser("nightly", "correct-horse", ["Member"], [])
site._setObject("tasks", SiteTaskService("tasks"))
site["tasks"].user = ("/site/acl_users", "nightly")
site["tasks"].add("tell-user")
app._setObject("rooted", SiteTaskService("rooted"))
transaction.commit()
"""


def test_a_web_server_runs_the_jobs_of_a_service_in_plone_as_its_user(instance):
    (instance / "etc" / "site.zcml").write_text(PLONE_ZCML)
    (instance / "script.py").write_text(PLONE_SCRIPT)
    configure(instance, section("threads 0\nautostart site@tasks, @rooted"))
    run_script(
        instance,
        "-m",
        "Zope2.utilities.zconsole",
        "run",
        str(instance / "zope.conf"),
        str(instance / "script.py"),
    )
    with serve(instance) as server:
        # In whatever order: the thread may be done before the next one is started.
        for line in (
            "service tasks on site site started",
            "service rooted on site root started",
            "ran as nightly in /site",
        ):
            if line not in server.log:
                server.read_until(line)
        assert "Traceback" not in server.end(signal.SIGTERM)
