"""An instance on a ZEO server, and the command ``taskqueue`` run on it for real."""

from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.container import Queues
from plone.app.taskqueue.tests.crash.ledger import look_until
from plone.app.taskqueue.tests.crash.zeo import ZeoServer
from plone.app.taskqueue.tests.webserver import RUNWSGI
from plone.app.taskqueue.tests.webserver import ZOPE_INI
from typing import Any
from ZEO.ClientStorage import ClientStorage
from ZODB import DB

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import transaction


ZOPE_CONF = """
%define INSTANCE {here}
instancehome $INSTANCE
<zodb_db main>
  mount-point /
  <zeoclient>
    server {server}
  </zeoclient>
</zodb_db>
{more}
"""

#: A site with only what the start of a process needs: ten times as fast as Plone.
SITE_ZCML = """
<configure xmlns="http://namespaces.zope.org/zope">
  <include package="Products.Five" />
  <include package="plone.app.taskqueue" file="startup.zcml" />
  <securityPolicy component="AccessControl.security.SecurityPolicy" />
</configure>
"""

COMMAND = [sys.executable, "-P", "-m", "plone.app.taskqueue.command"]

#: What a process says when it runs jobs.
RUNS = "runs jobs in"


class Instance:
    """The files of a site, and its database as the test sees it."""

    def __init__(self, folder: Path, server: ZeoServer):
        self.folder = folder
        self.zope_conf = folder / "zope.conf"
        self.server = server
        self._database: DB | None = None
        (folder / "etc").mkdir()
        (folder / "etc" / "site.zcml").write_text(SITE_ZCML)
        (folder / "zope.ini").write_text(ZOPE_INI.format(here=folder))
        self.configure()

    def configure(self, settings: str = "", more: str = "") -> None:
        """Write ``zope.conf`` with these settings."""
        if settings:
            more += (
                f"<product-config plone.app.taskqueue>\n{settings}\n</product-config>"
            )
        self.zope_conf.write_text(
            ZOPE_CONF.format(here=self.folder, server=self.server.address, more=more)
        )

    def pipe(self, name: str) -> "Pipe":
        """Make a named pipe."""
        path = self.folder / name
        os.mkfifo(path)
        return Pipe(path)

    @contextlib.contextmanager
    def queues(self) -> Iterator[Queues]:
        """Give the queues, and commit."""
        if self._database is None:
            self._database = DB(ClientStorage(self.server.address, server_sync=True))
        connection = self._database.open(transaction.TransactionManager())
        try:
            with connection.transaction_manager:
                yield get_queues(connection)
        finally:
            connection.close()

    def put(self, function: Any, *args: Any, queue: str = "", **options: Any) -> int:
        """Queue a job and return its id."""
        job = AsyncJob(function, *map(_plain, args))
        for name, value in options.items():
            setattr(job, name, value)
        with self.queues() as queues:
            return queues[queue].put(job, ()).id

    def state(self, job_id: int) -> State:
        """Return where a job stands."""
        with self.queues() as queues:
            return next(
                job.state
                for queue in queues.values()
                if (job := queue.get(job_id)) is not None
            )

    def wait_until(self, condition: Callable[[Queues], bool]) -> None:
        """Look at the queues as others change them, until the condition is met."""
        with self.queues() as queues:
            look_until(
                queues._p_jar, lambda: condition(queues), lambda: list(queues.workers)
            )

    def close(self) -> None:
        """Close the test's own database."""
        if self._database is not None:
            self._database.close()

    # The command

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run a command to its end."""
        return subprocess.run(
            [*COMMAND, *arguments],
            capture_output=True,
            text=True,
            env=environ(),
            cwd=self.folder,
            timeout=120,
        )

    def worker(self, *arguments: str) -> contextlib.AbstractContextManager["Worker"]:
        """Run ``taskqueue worker`` beside the test."""
        return logged([*COMMAND, "worker", "-C", str(self.zope_conf), *arguments])

    def web_server(
        self, **settings: str
    ) -> contextlib.AbstractContextManager["Worker"]:
        """Run a web server beside the test, with these settings in its environment."""
        return logged([str(RUNWSGI), str(self.folder / "zope.ini")], **settings)


@contextlib.contextmanager
def logged(command: list[str], **settings: str) -> Iterator["Worker"]:
    """Run a program beside the test that logs to stderr and ends with the block."""
    given = {f"PLONE_APP_TASKQUEUE_{name}": text for name, text in settings.items()}
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environ() | given,
    )
    worker = Worker(process)
    try:
        yield worker
    finally:
        worker.close()


class Pipe:
    """A named pipe between the test and a job."""

    def __init__(self, path: Path):
        self.path = path

    def hear(self) -> str:
        """Wait until somebody writes to it, and return that."""
        return _in_time(self.path.read_text, f"Nobody wrote to {self.path.name}.")

    def release(self) -> None:
        """Wait until somebody reads it, and let go on."""
        _in_time(lambda: self.path.write_text(""), f"Nobody reads {self.path.name}.")


def _in_time(call: Any, complaint: str) -> Any:
    """Return what ``call`` returns, unless it never does."""
    results = []
    thread = threading.Thread(target=lambda: results.append(call()), daemon=True)
    thread.start()
    thread.join(40)
    assert results, complaint
    return results[0]


def _plain(value: Any) -> Any:
    return str(value.path) if isinstance(value, Pipe) else value


def environ() -> dict[str, str]:
    """Return this environment without settings."""
    return {
        name: text
        for name, text in os.environ.items()
        if not name.startswith("PLONE_APP_TASKQUEUE_")
    }


class Worker:
    """A program that runs, such as ``taskqueue worker``; its log can be waited for."""

    def __init__(self, process: subprocess.Popen):
        self.process = process
        self.log = ""
        self._read = 0
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        for line in self.process.stderr:
            with self._changed:
                self.log += line
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def read_until(self, pattern: str) -> re.Match:
        """Wait for this in the log, after what was waited for before."""
        with self._changed:
            while True:
                found = re.compile(pattern).search(self.log, self._read)
                if found:
                    self._read = found.end()
                    return found
                if self._ended or not self._changed.wait(40):
                    raise AssertionError(f"{pattern!r} is not in the log:\n{self.log}")

    def signal(self, number: int) -> None:
        """Send a signal to the parent process."""
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for its end and return the exit status."""
        status = self.process.wait(60)
        self._reader.join(60)
        return status

    def close(self) -> None:
        """Kill what is left of it."""
        self.process.kill()
        self.process.wait()
        for pid in re.findall(r"Process (\d+) starts", self.log):
            # Those that ended in order are not there any more.
            with contextlib.suppress(OSError):
                if b"taskqueue.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(int(pid), signal.SIGKILL)
        self._reader.join(60)
        self.process.stderr.close()
