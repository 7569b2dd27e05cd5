"""The site of the browser tests: a ZEO server, a web server, and workers on demand."""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import ExitStack
from pathlib import Path
from plone.app.taskqueue.tests.browser import arranging
from plone.app.taskqueue.tests.browser import deeds
from plone.app.taskqueue.tests.crash.zeo import ZeoServer
from plone.app.taskqueue.tests.worker.instance import COMMAND
from plone.app.taskqueue.tests.worker.instance import Instance
from plone.app.taskqueue.tests.worker.instance import logged
from plone.app.taskqueue.tests.worker.instance import Worker
from typing import Any
from unittest.mock import patch
from zope.i18n.config import COMPILE_MO_FILES_KEY

import base64
import json
import os
import re
import secrets
import shutil
import signal
import urllib.error
import urllib.request
import Zope2.utilities


#: Who can log in; ``anonymous`` is nobody.
ROLES = ("member", "another", "editor", "owner", "siteadmin", "manager", "admin")

_SKELETON = Path(Zope2.utilities.__file__).parent / "skel" / "etc" / "site.zcml"

_ZOPE_CONF = """
%define INSTANCE {here}
instancehome $INSTANCE
<zodb_db main>
  mount-point /
  cache-size 30000
  <zeoclient>
    server {server}
    blob-dir $INSTANCE/blobs
    shared-blob-dir on
  </zeoclient>
</zodb_db>
<product-config plone.app.taskqueue>
  threads 0
</product-config>
{more}
"""

_ARRANGING = """
<include package="plone.app.taskqueue.tests.browser" file="arranging.zcml" />
"""

#: What a bare worker needs of ``site.zcml``: it starts ten times as fast as Plone.
_BARE_ZCML = """
<configure xmlns="http://namespaces.zope.org/zope">
  <include package="Products.Five" />
  <include package="plone.app.taskqueue" file="startup.zcml" />
  <securityPolicy component="AccessControl.security.SecurityPolicy" />
</configure>
"""


class Site(Instance):
    """A Plone Classic site that is served; no worker runs until a test wants one.

    Jobs are queued through the web server, as users; the queues can be read and changed
    from the test as well, with ``queues()`` and ``wait_until()`` of ``Instance``.
    """

    def __init__(self, folder: Path, server: ZeoServer, stack: ExitStack):
        super().__init__(folder, server)
        #: Passwords by user.
        self.passwords = {name: secrets.token_urlsafe(9) for name in ROLES}
        self._secret = secrets.token_urlsafe()
        self._stack = stack
        shutil.copy(_SKELETON, folder / "etc")
        includes = folder / "etc" / "package-includes"
        includes.mkdir()
        (includes / "browser-tests-configure.zcml").write_text(_ARRANGING)
        (folder / "inituser").write_text(f"admin:{self.passwords['admin']}\n")

    def configure(self, settings: str = "", more: str = "") -> None:
        """Write ``zope.conf``."""
        address = self.server.address
        text = _ZOPE_CONF.format(here=self.folder, server=address, more=more)
        self.zope_conf.write_text(text)

    def start(self) -> None:
        """Start the web server, and make the site."""
        # The translations of the day, not those of the last installation.
        variables = {arranging.VARIABLE: self._secret, COMPILE_MO_FILES_KEY: "1"}
        with patch.dict(os.environ, variables):
            web = self._stack.enter_context(self.web_server())
        #: The process, whose log can be read.
        self.web = web
        url = web.read_until(r"Serving on (http://[\w.:]+)")[1]
        #: Address of Zope, without a slash at the end.  Plone is themed on localhost.
        self.root_url = url.replace("127.0.0.1", "localhost")
        others = {name: self.passwords[name] for name in ROLES if name != "admin"}
        self.call(deeds.add_site, others, user="admin", path=None)

    # Addresses

    @property
    def url(self) -> str:
        """The address of the site, without a slash at the end."""
        return f"{self.root_url}/{deeds.SITE_ID}"

    @property
    def folder_url(self) -> str:
        """The address of the folder in which editor and owner have their roles."""
        return f"{self.url}/{deeds.FOLDER_ID}"

    @property
    def page_url(self) -> str:
        """The address of the page in that folder."""
        return f"{self.folder_url}/{deeds.PAGE_ID}"

    # Arranging

    def call(
        self,
        function: Callable,
        *args: Any,
        user: str = "manager",
        path: str | None = "",
        **kwargs: Any,
    ) -> Any:
        """Let the web server call ``function(context, *args, **kwargs)``, and commit.

        The function is one of a module, and what it takes and returns is JSON.  Its
        context is what is found at ``path`` below the site, or the root of Zope if that
        is ``None``.  ``AssertionError``: it raised, and nothing was done.
        """
        where = self.root_url if path is None else f"{self.url}/{path}".rstrip("/")
        call = {
            "function": arranging.name_of(function),
            "args": args,
            "kwargs": kwargs,
        }
        headers = {arranging.HEADER: self._secret, "Content-Type": "application/json"}
        if user != "anonymous":
            login = f"{user}:{self.passwords[user]}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(login).decode()
        request = urllib.request.Request(
            f"{where}/@@arrange", json.dumps(call).encode(), headers
        )
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{error}: {self.web.log[-4000:]}") from None

    def queue(
        self,
        function: Callable,
        *args: Any,
        user: str = "editor",
        path: str = f"{deeds.FOLDER_ID}/{deeds.PAGE_ID}",
        **options: Any,
    ) -> int:
        """Queue a job on the page as the user; return its id.

        The options are those of ``IAsyncService.enqueue`` that JSON can tell.
        """
        name = arranging.name_of(function)
        return self.call(deeds.queue_job, name, *args, user=user, path=path, **options)

    def fill(self, count: int, **options: Any) -> dict[str, int]:
        """Let there be so many jobs of all states, of several users, over thirty days.

        Returns how many by state.  The options are those of ``filling.fill``; the same
        seed gives the same jobs.  Not while there is a worker.
        """
        return self.call(deeds.fill_queue, count, **options)

    def pause(self, queue: str = "") -> None:
        """Let no worker claim from that queue until ``clear``."""
        with self.queues() as queues:
            queues[queue].pause()

    def clear(self) -> None:
        """Have no job, no worker, no paused queue, and the right time again."""
        self.call(deeds.clear)

    def advance(self, seconds: float) -> None:
        """Let the web server think that so much time has passed, until ``clear``."""
        self.call(deeds.advance, seconds)

    # Workers

    @contextmanager
    def worker(self, threads: int = 1) -> Iterator[None]:
        """Let the web server run jobs in the block."""
        self.call(deeds.start_worker, threads)
        try:
            yield
        finally:
            self.call(deeds.stop_worker)

    @contextmanager
    def worker_process(self, *arguments: str) -> Iterator[Worker]:
        """Run ``taskqueue worker`` with all of Plone in the block: takes ten seconds."""
        with super().worker(*arguments) as worker:
            worker.read_until("is ready")
            yield worker

    def leave_dead_worker(self, age: float = 400) -> None:
        """Leave a worker that was killed at a job; ``age`` seconds ago, it seems.

        The web server's clock stands still from then on, until ``clear``.
        """
        bare = self.folder / "bare"
        if not bare.exists():
            (bare / "etc").mkdir(parents=True)
            (bare / "etc" / "site.zcml").write_text(_BARE_ZCML)
            text = self.zope_conf.read_text()
            home = f"instancehome {bare}"
            (bare / "zope.conf").write_text(
                text.replace("instancehome $INSTANCE", home)
            )
        pipe = self.pipe(f"pipe-{secrets.token_hex(4)}")
        self.put(deeds.hold, pipe)
        conf = str(bare / "zope.conf")
        with logged([*COMMAND, "worker", "-C", conf, "--processes", "1"]) as worker:
            pipe.hear()
            # The process that runs the job dies first, or it would give the job back.
            # Its parent would bury it, and start another.
            worker.signal(signal.SIGSTOP)
            os.kill(int(re.search(r"Process (\d+) starts", worker.log)[1]), 9)
        self.advance(age)
