"""Starting a process: settings are read in each, jobs are run by web servers only.

Every process of Zope opens the database, scripts and debuggers among them; they are
told of the settings.  ``IProcessStarting`` is fired by ``make_wsgi_app`` alone, that is
by ``runwsgi`` and other WSGI servers: it is what starts the dispatcher.  Of
``zopectl run`` and ``debug`` nothing is heard there, and the few programs that call
``make_wsgi_app`` and are no servers are told by their modules.
"""

from App.config import getConfiguration
from collections.abc import Callable
from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher.attendance import Attendance
from plone.app.taskqueue.dispatcher.code import set_release
from plone.app.taskqueue.environment import PloneEnvironment
from plone.app.taskqueue.queue.place import set_database_name
from plone.app.taskqueue.queue.place import set_installation
from plone.app.taskqueue.service import processing
from plone.app.taskqueue.service.autostart import bootStrapSubscriber
from plone.app.taskqueue.service.lookout import Lookout
from plone.app.taskqueue.settings import read_settings
from plone.app.taskqueue.settings import Settings
from plone.app.taskqueue.settings import SettingsError
from zope.component import adapter
from zope.processlifetime import DatabaseOpenedWithRoot
from zope.processlifetime import IDatabaseOpenedWithRoot
from zope.processlifetime import IProcessStarting

import atexit
import logging
import signal
import sys
import threading
import ZODB
import Zope2


logger = logging.getLogger("plone.app.taskqueue.startup")

#: Modules of programs that call ``make_wsgi_app`` and serve nobody: ``zconsole``, Plone's
#: exporter and importer, and our own command.  Imported, or run as ``python -m`` one of
#: them.
CONSOLES = frozenset(
    {
        "Zope2.utilities.zconsole",
        "plone.exportimport.cli",
        "plone.app.taskqueue.command.main",
    }
)

#: Module of the processes of ``taskqueue worker``.
WORKER = "plone.app.taskqueue.worker.child"


@adapter(IDatabaseOpenedWithRoot)
def configure(event) -> None:
    """Read the settings, so that a wrong one ends the start of the process.

    ``SettingsError``: a setting cannot be used.
    """
    settings = read_settings()
    if settings.database:
        _check_database(settings.database, event.database)
    set_database_name(settings.database)
    set_installation(settings.installation)
    set_release(settings.release)


@adapter(IProcessStarting)
def start(event) -> None:
    """Run jobs in this process if it is a web server's and the settings want it."""
    if main_module() == WORKER:
        # It starts its own, as its command line says.
        return
    settings = read_settings()
    serving = is_web_server()
    if not settings.threads:
        logger.info("No jobs are run in this process: threads is 0.")
        if serving:
            attend(Zope2.DB)
    elif serving:
        run_dispatcher(Zope2.DB, settings)
    else:
        logger.info("No jobs are run in this process: it is not a web server.")
    if serving:
        run_services(Zope2.DB, settings)


def is_web_server() -> bool:
    """Say whether this process serves requests, being no console and no test."""
    if not CONSOLES.isdisjoint(sys.modules) or main_module() in CONSOLES:
        return False
    # The test layers put a stand-in there, and bring a dispatcher for each test.
    return isinstance(Zope2.DB, ZODB.DB)


def main_module() -> str | None:
    """Return the module that this process runs; ``None`` if that is a script."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return None if spec is None else spec.name


def run_dispatcher(database: ZODB.DB, settings: Settings) -> Dispatcher:
    """Start a dispatcher that stops when the process ends."""
    dispatcher = Dispatcher(database, PloneEnvironment, settings.options())
    dispatcher.start()
    _at_end(lambda: dispatcher.stopping or dispatcher.stop(settings.stop_seconds))
    return dispatcher


def attend(database: ZODB.DB) -> Attendance:
    """Let others know of this process, which only queues jobs, until it ends."""
    attendance = Attendance(database)
    attendance.start()
    _at_end(attendance.stop)
    return attendance


def run_services(database: ZODB.DB, settings: Settings) -> Lookout:
    """Start the task services that ``autostart`` names, also those that are added later.

    All stop when the process ends.
    """
    lookout = Lookout(database)

    def stop() -> None:
        lookout.stop()
        processing.stop_all(settings.stop_seconds)

    _at_end(stop)
    bootStrapSubscriber(DatabaseOpenedWithRoot(database))
    lookout.start()
    return lookout


def _at_end(stop: Callable[[], object]) -> None:
    """Call ``stop`` while the databases are still open."""
    ending = _Ending(stop)
    # ``runwsgi`` closes what is listed here, in this order and before ``atexit``.
    Zope2.opened.insert(0, ending)
    # Other servers may not.
    atexit.register(ending.close)
    exit_on_sigterm()


class _Ending:
    """What is to be stopped once."""

    def __init__(self, stop: Callable[[], object]) -> None:
        self._stop: Callable[[], object] | None = stop

    def close(self) -> None:
        """Stop it, unless that was done."""
        stop, self._stop = self._stop, None
        if stop is not None:
            stop()


def exit_on_sigterm() -> None:
    """Let ``kill`` and ``docker stop`` end the process as Ctrl-C does.

    Neither Zope nor waitress handles SIGTERM, so that the process would be gone without
    giving back its jobs: others would wait for its lease to expire.  Servers that have
    a handler keep theirs.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _exit)


def _exit(number, frame) -> None:
    # Once: a second signal ends a process that cannot stop.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise SystemExit(0)


def _check_database(name: str, main: ZODB.DB) -> None:
    if name in main.databases:
        return
    # Zope opens only what is mounted; this one may have no mount point.
    table = getattr(getConfiguration(), "dbtab", None)
    known = [] if table is None else sorted(table.listDatabaseNames())
    if name not in known:
        raise SettingsError(
            f"The setting database names {name!r}, but zope.conf has no "
            f"<zodb_db {name}>, only {', '.join(known)}: add it, or correct the setting."
        )
    table.getDatabase(name=name)
