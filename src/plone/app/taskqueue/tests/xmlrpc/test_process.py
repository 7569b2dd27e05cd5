"""XML-RPC with a real server: closed until it is switched on, then up to a job's end."""

from plone.app.taskqueue.service import processing
from plone.app.taskqueue.service import SiteTaskService
from plone.app.taskqueue.tests.service.test_autostart import application
from plone.app.taskqueue.tests.service.test_autostart import TASK_ZCML
from plone.app.taskqueue.tests.service.test_startup import configure
from plone.app.taskqueue.tests.service.test_startup import instance
from plone.app.taskqueue.tests.service.test_startup import READY
from plone.app.taskqueue.tests.service.test_startup import section
from plone.app.taskqueue.tests.service.test_startup import serve
from plone.app.taskqueue.tests.service.test_startup import SITE_ZCML
from plone.app.taskqueue.tests.xmlrpc.service import PERMISSION
from xmlrpc.client import Fault
from xmlrpc.client import ProtocolError
from xmlrpc.client import ServerProxy
from zope.component import adapter
from zope.processlifetime import IProcessStarting

import pytest
import re
import time
import transaction
import Zope2


__all__ = ["instance"]  # a fixture

USERS = {"client": "correct-horse", "other": "battery-staple"}

MORE_ZCML = """
  <include package="plone.app.taskqueue.xmlrpc" />
  <subscriber handler="plone.app.taskqueue.tests.xmlrpc.test_process.run_jobs" />
"""


@adapter(IProcessStarting)
def run_jobs(event):
    """Start the service of the instance, which has no site to be found in."""
    app = Zope2.app()
    processing.start(app.tasks)
    app._p_jar.close()


#: As mkwsgiinstance writes it: what is raised becomes an answer of its status.
PIPELINE = """
[pipeline:main]
pipeline =
    egg:Zope#httpexceptions
    zope

[app:zope]"""


@pytest.fixture
def server(instance):
    """Give a function that starts the server with a service and two users."""
    zcml = SITE_ZCML.replace("</configure>", MORE_ZCML + TASK_ZCML)
    (instance / "etc" / "site.zcml").write_text(zcml)
    ini = instance / "zope.ini"
    ini.write_text(ini.read_text().replace("[app:main]", PIPELINE))
    with application(instance) as app:
        app._setObject("tasks", SiteTaskService("tasks"))
        # No handler of ours is registered in the process of the tests.
        app.tasks.folder_path = ""
        for name, password in USERS.items():
            app.acl_users._doAddUser(name, password, [], [])
        app._addRole("Client")
        app.tasks.manage_permission(PERMISSION, ["Client"])
        app.tasks.manage_setLocalRoles("client", ["Client"])
        transaction.commit()

    def start(switch):
        configure(instance, f"{switch}\n{section('threads 0')}")
        return serve(instance)

    return start


def url(server, login=""):
    line = re.search(r"http://[\w.]+:\d+", server.read_until(READY)).group()
    return line.replace("http://", f"http://{login}") + "/tasks"


def login(name):
    return f"{name}:{USERS[name]}@"


@pytest.mark.parametrize("switch", ["", "enable-xmlrpc off"])
def test_unless_it_is_switched_on_zope_refuses_calls(server, switch):
    with server(switch) as running, ServerProxy(url(running, login("client"))) as tasks:
        with pytest.raises(ProtocolError) as caught:
            tasks.getAvailableTasks()
        assert caught.value.errcode == 400


def test_switched_on_it_takes_jobs_from_users_with_the_permission(server):
    with server("enable-xmlrpc on") as running:
        address = url(running)
        for each in ("", login("other"), "client:wrong@"):
            with ServerProxy(address.replace("//", f"//{each}")) as tasks:
                with pytest.raises(ProtocolError) as caught:
                    tasks.add("log", "stranger")
                assert caught.value.errcode == 401
        with ServerProxy(address.replace("//", f"//{login('client')}")) as tasks:
            assert "log" in tasks.getAvailableTasks()
            with pytest.raises(Fault, match="Task does not exist"):
                tasks.add("no-such-task", {})
            number = tasks.add("log", {"from": ["far", "away"]})
            running.read_until("ran {'from': \\['far', 'away'\\]}")
            deadline = time.monotonic() + 30
            while tasks.getStatus(number) not in ("completed", "error"):
                assert time.monotonic() < deadline, tasks.getStatus(number)
            assert tasks.getResult(number) == {"from": ["far", "away"]}
        assert "stranger" not in running.log
        assert "Traceback" not in running.log
