"""A real Plone site in a Zope instance of its own, in a process of the benchmark."""

from dataclasses import dataclass
from pathlib import Path
from plone.app.taskqueue.demo.site import install
from plone.app.taskqueue.environment.environment import PloneEnvironment
from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.interfaces import IAsyncService
from taskqueue_bench.jobs import noop
from taskqueue_bench.processes import Node
from taskqueue_bench.work import Meter
from ZODB.DB import DB
from zope.component import getUtility
from zope.component.hooks import setSite

import secrets
import subprocess
import sys
import time
import transaction


SITE_ID = "Plone"
#: Pages of the site that jobs are queued for.
PAGES = 20

_ZOPE_CONF = """\
%define INSTANCE {instance}
instancehome $INSTANCE

<zodb_db main>
    mount-point /
    cache-size 30000
    <blobstorage>
        blob-dir $INSTANCE/var/blobstorage
        <filestorage>
            path $INSTANCE/var/Data.fs
        </filestorage>
    </blobstorage>
</zodb_db>

<product-config plone.app.taskqueue>
    threads 0
</product-config>
"""


@dataclass(frozen=True)
class Instance:
    """Where a process finds its Zope instance; stands in for a ``Place``."""

    folder: str
    kind: str = "FileStorage"

    def open(self) -> DB:
        """Make the instance and return its open database."""
        _make_instance(Path(self.folder))
        from Zope2.Startup.run import configure_wsgi

        import Zope2

        configure_wsgi(f"{self.folder}/etc/zope.conf")
        return Zope2.app()._p_jar.db()


def _make_instance(folder: Path) -> None:
    command = [sys.executable, "-m", "Zope2.utilities.mkwsgiinstance"]
    subprocess.run(
        [*command, "-d", str(folder), "-u", f"admin:{secrets.token_urlsafe(9)}"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (folder / "etc" / "zope.conf").write_text(_ZOPE_CONF.format(instance=folder))


def add_site(node: Node) -> None:
    """Add a site with this package and some pages, and stay logged in as ``admin``."""
    from AccessControl.SecurityManagement import newSecurityManager
    from Products.CMFPlone.factory import addPloneSite
    from Testing.makerequest import makerequest
    from zope.globalrequest import setRequest

    import Zope2

    app = makerequest(Zope2.app())
    setRequest(app.REQUEST)
    admin = app.acl_users.getUser("admin").__of__(app.acl_users)
    newSecurityManager(app.REQUEST, admin)
    site = addPloneSite(
        app,
        SITE_ID,
        title="Benchmark",
        distribution_name="classic",
        setup_content=False,
        default_language="en",
        portal_timezone="UTC",
    )
    setSite(site)
    install(site)
    for number in range(PAGES):
        site.invokeFactory("Document", f"page-{number}", title=f"Page {number}")
    transaction.commit()
    node.kept["site"] = site


def queue_jobs(node: Node, count: int, pages: int, per_commit: int = 50) -> float:
    """Queue jobs for so many pages in turn; return the seconds that took."""
    site = node.kept["site"]
    queue_job = getUtility(IAsyncService).queueJob
    start = time.perf_counter()
    for first in range(0, count, per_commit):
        transaction.begin()
        for number in range(first, min(first + per_commit, count)):
            queue_job(noop, site[f"page-{number % pages}"])
        transaction.commit()
    return time.perf_counter() - start


class MeteredPloneEnvironment(PloneEnvironment):
    """The environment of jobs in Plone, with a meter."""

    def __init__(self, meter: Meter):
        super().__init__()
        self._meter = meter
        self._ids: list[int] = []

    def announce(self, job: IAsyncJob) -> None:
        super().announce(job)
        self._ids.append(job.id)

    def close(self) -> None:
        super().close()
        if self._ids:
            self._meter.ends.append((time.monotonic(), self._ids))
            self._ids = []
