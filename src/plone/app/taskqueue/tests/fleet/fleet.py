"""A fleet as the how-to builds it, from the very files that its page shows."""

from contextlib import ExitStack
from pathlib import Path
from plone.app.taskqueue.tests.docs.pages import read_blocks
from plone.app.taskqueue.tests.webserver import RUNWSGI
from plone.app.taskqueue.tests.worker.instance import COMMAND
from plone.app.taskqueue.tests.worker.instance import environ
from plone.app.taskqueue.tests.worker.instance import logged
from plone.app.taskqueue.tests.worker.instance import Worker
from typing import Any

import http.cookiejar
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request


PAGE = Path(__file__).parents[6] / "docs" / "how-to" / "fleet.md"

BIN = RUNWSGI.parent

#: What the page takes for granted, and a test has elsewhere.
_FOLDER = "/srv/plone"
_ZEO = "localhost:8100"
_DSN = "dbname='plone' user='plone' host='localhost' password='secret'"
_PORT = "port = 8080"

#: Seconds in which all jobs must have run.
_PATIENCE = 90

_VIEWS = """
  <include package="Products.Five" file="meta.zcml" />
  <include package="plone.app.taskqueue.tests.fleet" file="views.zcml" />

</configure>
"""


def make_site(folder: Path) -> None:
    """Make the demonstration's site there, as the page's reader does."""
    run([sys.executable, "-m", "plone.app.taskqueue.demo", str(folder), "--pages", "1"])


def run(command: list[str], **options: Any) -> str:
    """Run a program to its end, which must be a good one; return what it printed."""
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        env=environ(),
        timeout=180,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Fleet:
    """Processes of one site in ``folder``; all end with ``stack``."""

    def __init__(self, site: Path, folder: Path, stack: ExitStack):
        shutil.copytree(site, folder)
        self.folder = folder
        self.web_servers: list[WebServer] = []
        self._cookies = http.cookiejar.CookieJar()
        self._workers: list[Worker] = []
        self._stack = stack
        self._replaced = {_FOLDER: str(folder)}
        ini = folder / "etc" / "zope.ini"
        text = ini.read_text().replace(str(site), str(folder))
        assert _PORT in text
        ini.write_text(text.replace(_PORT, "port = %(http_port)s"))
        zcml = folder / "etc" / "site.zcml"
        zcml.write_text(zcml.read_text().replace("</configure>", _VIEWS))

    def write(self, name: str, number: int = 0) -> Path:
        """Write the file that the page shows, the first of the name or a later one."""
        blocks = [b for b in read_blocks(PAGE) if b.text.startswith(f"# {name}\n")]
        text = blocks[number].text
        for theirs, ours in self._replaced.items():
            text = text.replace(theirs, ours)
        path = self.folder / name
        path.write_text(text)
        return path

    # Storages

    def start_zeo(self) -> None:
        """Start the server of the page, and be its client."""
        with socket.socket() as probe:
            probe.bind(("localhost", 0))
            port = probe.getsockname()[1]
        self._replaced[_ZEO] = f"localhost:{port}"
        conf = self.write("etc/zeo.conf")
        self.write("etc/zope.conf", 0)
        server = self._start([str(BIN / "runzeo"), "-C", str(conf)])
        server.read_until("listening on")

    def move_to_postgresql(self, dsn: str) -> None:
        """Copy the data as the page does, and be a client of the new database."""
        self._replaced[_DSN] = dsn
        run([BIN / "zodbconvert", self.write("etc/convert.conf")])
        self.write("etc/zope.conf", 1)

    # Processes

    def _start(self, command: list[str], **settings: str) -> Worker:
        return self._stack.enter_context(logged(command, **settings))

    def start_web_servers(self, count: int) -> None:
        """Start so many, one after the other: the first makes the directory of blobs."""
        command = [str(RUNWSGI), str(self.folder / "etc" / "zope.ini"), "http_port=0"]
        for _ in range(count):
            self.web_servers.append(WebServer(self._start(command), self._cookies))

    def log_in(self, user: str) -> None:
        """Be that user, on all web servers by a visit to the first."""
        lines = (self.folder / "credentials.txt").read_text().splitlines()
        passwords = dict(line.split(" ", 1) for line in lines)
        self.web_servers[0].log_in(user, passwords[user])

    def workers(self, count: int) -> dict[int, Worker]:
        """Return so many that run, each by the id of the process that runs its jobs."""
        self._workers = [each for each in self._workers if each.process.poll() is None]
        conf = str(self.folder / "etc" / "zope.conf")
        command = [*COMMAND, "worker", "-C", conf, "--processes", "1"]
        started = [self._start(command) for _ in range(count - len(self._workers))]
        self._workers += started
        found = {}
        for each in self._workers:
            if each in started:
                each.read_until("is ready")
            found[int(re.search(r"Process (\d+) is ready", each.log)[1])] = each
        return found

    def command(self, *arguments: str) -> Any:
        """Return what ``taskqueue`` says, on this site."""
        conf = str(self.folder / "etc" / "zope.conf")
        return json.loads(run([*COMMAND, *arguments, "-C", conf, "--json"]))


class WebServer:
    """A web server that runs, as a browser with these cookies sees it."""

    def __init__(self, process: Worker, cookies: http.cookiejar.CookieJar):
        self.process = process
        self.pid = process.process.pid
        # It is also written into a file, in the same words.
        self.url = process.read_until(r"Serving on (http://[\w.:]+)")[1]
        self.url = self.url.replace("127.0.0.1", "localhost") + "/Plone"
        self._cookies = cookies
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(cookies)
        )

    def log_in(self, user: str, password: str) -> None:
        """Fill in the form, as a person does."""
        form = {"__ac_name": user, "__ac_password": password}
        self._open("login", {**form, "buttons.login": "Log in"})
        assert "__ac" in {each.name for each in self._cookies}

    def get(self, path: str, **form: str) -> Any:
        """Return the JSON of a view."""
        return json.loads(self._open(path, form or None))

    def ledger(self, page: str, count: int) -> list[dict[str, Any]]:
        """Return who has signed the page, when there are so many."""
        deadline = time.monotonic() + _PATIENCE
        while len(told := self.get(f"{page}/ledger")["ledger"]) < count:
            assert time.monotonic() < deadline, told
            time.sleep(0.05)
        return told

    def _open(self, path: str, form: dict[str, str] | None) -> str:
        data = None if form is None else urllib.parse.urlencode(form).encode()
        with self._opener.open(f"{self.url}/{path}", data, timeout=60) as answer:
            return answer.read().decode()
