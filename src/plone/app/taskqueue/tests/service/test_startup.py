"""Real processes: which of them run jobs, and how they end."""

from collections.abc import Iterator
from pathlib import Path
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.queue import Queue
from plone.app.taskqueue.tests.webserver import RUNWSGI
from plone.app.taskqueue.tests.webserver import ZOPE_INI
from ZODB import DB
from ZODB.FileStorage import FileStorage

import contextlib
import os
import pytest
import re
import signal
import subprocess
import sys
import threading
import time
import transaction


ZOPE_CONF = """
%define INSTANCE {here}
instancehome $INSTANCE
<zodb_db main>
  mount-point /
  <filestorage>
    path $INSTANCE/Data.fs
  </filestorage>
</zodb_db>
{more}
"""

RUNS = "runs jobs in"
READY = "Serving on"
#: Seconds after which a server is killed that has not said what is waited for.
SILENCE = 120

#: A site with only what the start of a process needs: ten times as fast as Plone.
SITE_ZCML = """
<configure xmlns="http://namespaces.zope.org/zope"
           xmlns:meta="http://namespaces.zope.org/meta">
  <include package="Products.Five" />
  <include package="plone.app.taskqueue" file="startup.zcml" />
  <securityPolicy component="AccessControl.security.SecurityPolicy" />
</configure>
"""


@pytest.fixture
def instance(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "site.zcml").write_text(SITE_ZCML)
    (tmp_path / "var").mkdir()
    configure(tmp_path)
    (tmp_path / "zope.ini").write_text(ZOPE_INI.format(here=tmp_path))
    return tmp_path


def configure(instance: Path, more: str = "") -> None:
    text = ZOPE_CONF.format(here=instance, more=more)
    (instance / "zope.conf").write_text(text)


def section(line: str) -> str:
    return f"<product-config plone.app.taskqueue>\n{line}\n</product-config>"


def environ(**more: str) -> dict:
    ours = "PLONE_APP_TASKQUEUE_"
    kept = {name: text for name, text in os.environ.items() if ours not in name}
    return {**kept, **more}


class Server:
    """A process of ``runwsgi`` whose log can be waited for."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.process = process
        self.log = ""

    def read_until(self, pattern: str) -> str:
        # What ends the log of a server that says nothing any more, and so the wait.
        timer = threading.Timer(SILENCE, self.process.kill)
        timer.start()
        try:
            for line in self.process.stderr:
                self.log += line
                if re.search(pattern, line):
                    return self.log
        finally:
            timer.cancel()
        raise AssertionError(f"{pattern!r} is not in the log:\n{self.log}")

    def end(self, number: int) -> str:
        self.process.send_signal(number)
        self.log += self.process.communicate(timeout=30)[1]
        return self.log


@contextlib.contextmanager
def serve(instance: Path, **variables: str) -> Iterator[Server]:
    process = subprocess.Popen(
        [RUNWSGI, instance / "zope.ini"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environ(**variables),
    )
    try:
        yield Server(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def run_script(instance: Path, *command: str) -> str:
    """Run Python code in the instance's own way; return what it logged and printed."""
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        env=environ(),
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_a_web_server_runs_jobs(instance):
    with serve(instance) as server:
        server.read_until(f"{RUNS} 1 thread")
        server.read_until(READY)


def test_the_number_of_threads_comes_from_zope_conf(instance):
    configure(instance, section("threads 3"))
    with serve(instance) as server:
        server.read_until(f"{RUNS} 3 threads")


def test_the_environment_can_keep_a_web_server_from_running_jobs(instance):
    with serve(instance, PLONE_APP_TASKQUEUE_THREADS="0") as server:
        log = server.read_until(READY)
        assert RUNS not in log
        assert "threads is 0" in log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_web_server_in_order(instance, number):
    with serve(instance) as server:
        server.read_until(READY)
        began = time.monotonic()
        log = server.end(number)
        assert "has stopped" in log
        assert "could not sign off" not in log
        assert "Traceback" not in log
        assert server.process.returncode == 0
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_job_that_runs_when_the_signal_comes_is_finished(instance, number):
    begun, end = instance / "begun", instance / "end"
    os.mkfifo(begun)
    os.mkfifo(end)
    configure(instance, section("stop-seconds 30"))
    with database(instance) as queue:
        job_id = queue.put(AsyncJob(tell_and_wait, str(begun), str(end))).id
    with serve(instance) as server:
        assert begun.read_text() == "begun"
        server.process.send_signal(number)
        server.read_until("is stopping")
        end.write_text("")
        log = server.process.communicate(timeout=30)[1]
        assert "Traceback" not in log
    with database(instance) as queue:
        assert queue.get(job_id).state is State.COMPLETED
        assert dict(queue.leases) == {}
        assert list(get_queues(queue._p_jar).workers) == []


@contextlib.contextmanager
def database(instance: Path) -> Iterator[Queue]:
    """Give the default queue of an instance whose server is not running."""
    opened = DB(FileStorage(str(instance / "Data.fs")))
    connection = opened.open()
    try:
        yield get_queues(connection)[""]
        transaction.commit()
    finally:
        transaction.abort()
        connection.close()
        opened.close()


def tell_and_wait(begun: str, end: str) -> None:
    """A job that says that it runs and ends when it is told to, by named pipes."""
    Path(begun).write_text("begun")
    Path(end).read_text()


def test_a_wrong_setting_ends_the_start_and_says_what_to_write(instance):
    configure(instance, section("thread 3"))
    with serve(instance) as server:
        server.read_until("did you mean threads")
        server.process.communicate(timeout=30)
        assert server.process.returncode != 0


def test_an_unknown_database_ends_the_start_and_says_what_to_write(instance):
    configure(instance, section("database elsewhere"))
    with serve(instance) as server:
        server.read_until("no <zodb_db elsewhere>, only main: add it")


def test_a_database_of_its_own_holds_the_queues(instance):
    queues = """
<zodb_db taskqueue>
  mount-point /taskqueue-of-its-own
  <filestorage>
    path $INSTANCE/Queues.fs
  </filestorage>
</zodb_db>
"""
    configure(instance, queues + section("database taskqueue"))
    with serve(instance) as server:
        server.read_until(RUNS)
        server.read_until(READY)
        server.end(signal.SIGTERM)
    assert b"plone.app.taskqueue" in (instance / "Queues.fs").read_bytes()
    assert b"plone.app.taskqueue" not in (instance / "Data.fs").read_bytes()


CONFIGURED = "from Zope2.Startup.run import configure_wsgi; configure_wsgi({!r}); "
LISTED = (
    "import threading; import Zope2; Zope2.app(); "
    "print([t.name for t in threading.enumerate()])"
)


def test_zopectl_run_and_debug_run_no_jobs(instance):
    # They are this very code in a Python process.
    conf = str(instance / "zope.conf")
    printed = run_script(instance, "-c", CONFIGURED.format(conf) + LISTED)
    assert "MainThread" in printed
    assert "taskqueue" not in printed


def test_storages_of_servers_need_not_be_installed(instance):
    missing = "import sys; sys.modules.update(ZEO=None, relstorage=None, psycopg2=None)"
    settings = "from plone.app.taskqueue.settings import read_settings; "
    run = (
        "from plone.app.taskqueue.startup import run_dispatcher; import ZODB; "
        "database = ZODB.DB(None); dispatcher = run_dispatcher(database, "
        "read_settings()); dispatcher.stop(10); print('and ended')"
    )
    conf = str(instance / "zope.conf")
    printed = run_script(
        instance, "-c", f"{missing}; {CONFIGURED.format(conf)}{settings}{run}"
    )
    assert "and ended" in printed


def test_zconsole_runs_no_jobs(instance):
    script = instance / "script.py"
    script.write_text(LISTED)
    conf = str(instance / "zope.conf")
    printed = run_script(
        instance, "-m", "Zope2.utilities.zconsole", "run", conf, str(script)
    )
    assert "MainThread" in printed
    assert "taskqueue" not in printed


def test_the_exporter_and_the_importer_run_no_jobs(instance):
    # They make a WSGI application and serve nobody with it.
    start = (
        "import plone.exportimport.cli; from Zope2.Startup.run import make_wsgi_app; "
        f"make_wsgi_app({{}}, {str(instance / 'zope.conf')!r}); "
    )
    printed = run_script(instance, "-c", start + LISTED)
    assert "MainThread" in printed
    assert "'taskqueue" not in printed


def test_a_script_is_told_of_a_wrong_setting_too(instance):
    configure(instance, section("thread 3"))
    conf = str(instance / "zope.conf")
    with pytest.raises(AssertionError, match="did you mean threads"):
        run_script(instance, "-c", CONFIGURED.format(conf) + LISTED)
