"""A process that starts workers and producers at the test's order.

``python -m plone.app.taskqueue.tests.crash.worker_process``: each line on stdin is an
order, each line on stdout an event; what anything else prints goes to stderr.  Every
worker is a process of its own, forked from this one, which has imported everything and
opened nothing; that way a hundred of them may die in a few seconds.
"""

from plone.app.taskqueue import clock
from plone.app.taskqueue import keepalive
from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher import filer
from plone.app.taskqueue.dispatcher import membership
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.dispatcher import pruner
from plone.app.taskqueue.dispatcher import rescuer
from plone.app.taskqueue.dispatcher import trouble
from plone.app.taskqueue.dispatcher.pace import Pace
from plone.app.taskqueue.queue.directory import filing
from plone.app.taskqueue.tests.crash import clients
from plone.app.taskqueue.tests.crash import points
from plone.app.taskqueue.tests.crash import steps
from plone.app.taskqueue.tests.crash.jobs import LedgerEnvironment
from plone.app.taskqueue.tests.crash.network import enter
from plone.app.taskqueue.tests.crash.points import say
from plone.app.taskqueue.tests.crash.producer import produce
from plone.app.taskqueue.tests.crash.service import serve
from plone.app.taskqueue.tests.storages.homes import open_postgresql
from types import SimpleNamespace
from ZEO.ClientStorage import ClientStorage
from ZODB import DB
from ZODB.FileStorage import FileStorage

import contextlib
import functools
import json
import logging
import os
import resource
import signal
import sys
import threading
import time


def _of(message: str) -> dict[str, bool]:
    """Return what trouble it tells of, so that a test can wait for that."""
    return {
        "gone": "server is gone" in message,
        "full": "is no room" in message,
        "over": "is room" in message,
        "closed": "server has closed its storage" in message,
    }


class _Telling(logging.Handler):
    """Tells the test of what the engine warns of."""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()[:500]
        say("log", message=message, **_of(message))


def _open(address: str | list, wait: float) -> DB:
    if isinstance(address, list):
        return DB(ClientStorage(tuple(address), wait_timeout=wait))
    kind, _, place = address.partition(":")
    if kind == "file":
        return DB(FileStorage(place))
    if kind == "postgresql":
        return DB(open_postgresql(place))
    return DB(ClientStorage(address, wait_timeout=wait))


def _change(
    stand: tuple[str, str] | None = None,
    without: str | None = None,
    ahead: float = 0,
    later: float = 0,
    as_pid: int | None = None,
    prune_seconds: float | None = None,
    file_seconds: float | None = None,
    idle_patience: float | None = None,
    quiet: float | None = None,
    fast: bool = False,
    network: str | None = None,
    patience: int | None = None,
) -> None:
    """Make this process another than most: where it stands, what it has, and knows."""
    if network is not None:
        enter(network)
    if patience is not None:
        keepalive.PATIENCE = patience
    if stand is not None:
        steps.stand_at(*stand)
    if without is not None:
        sys.modules[without] = None
    if ahead:
        clock.host_now = lambda: time.time() + ahead
    if later:
        clock.common_now = lambda: time.time() + later
    if as_pid is not None:
        membership.os = SimpleNamespace(getpid=lambda: as_pid)
    if prune_seconds is not None:
        pruner._USUAL_INTERVAL = prune_seconds
    if file_seconds is not None:
        filer._TURN = filer._USUAL_INTERVAL = filer._LONGEST_REST = file_seconds
        filer.tidy = functools.partial(filing.tidy, at_once=True)
    if idle_patience is not None:
        rescuer._IDLE_PATIENCE = idle_patience
    if quiet is not None:
        trouble._QUIET = quiet
    if fast:
        # On a slow machine too short jobs are to share claims and transactions.
        ran = Pace.ran
        Pace.ran = lambda self, name, seconds: ran(self, name, min(seconds, 0.001))


def _work(
    address: str,
    options: dict,
    wait: float = 30,
    queues: tuple[str, ...] = (),
    serve: tuple[str, ...] = (),
    **changes,
) -> None:
    signals = {signal.SIGTERM, signal.SIGUSR1}
    # Before any thread is there, so that this one alone gets them.
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    _change(**changes)
    database = _open(address, wait)
    dispatcher = Dispatcher(
        database,
        LedgerEnvironment,
        Options(**options, queues=tuple(serve)),
        queue_names=queues,
    )
    dispatcher.start()
    say("ready")

    def stop() -> None:
        dispatcher.stop()
        # A connection that could not be opened is one that the database cannot close.
        with contextlib.suppress(KeyError):
            database.close()
        say("stopped")
        os._exit(0)

    while True:
        if signal.sigwait(signals) == signal.SIGUSR1:
            points.released.set()
        else:
            threading.Thread(target=stop).start()
            # Whoever is let go on next sees that it stops.
            while not dispatcher.stopping:
                time.sleep(0.001)


def _act(address: str, act: str, **changes) -> None:
    """Do what a web client does."""
    _change(**changes)
    with _open(address, 30).transaction() as connection:
        clients.ACTS[act][1](connection)


def _produce(address: str, **details) -> None:
    produce(lambda: _open(address, 1), **details)


def _serve(address: str, **details) -> None:
    serve(_open(address, 30), **details)


def _print(text: str, to_test: bool = False) -> None:
    """Do what a library does; or what it would do to the test if nothing kept it.

    To the test in one piece, where ``print`` may tear what others say.
    """
    if to_test:
        os.write(points.ear, f"{text}\n".encode())
    else:
        print(text, flush=True)
    say("printed")


_ROLES = {
    "work": _work,
    "produce": _produce,
    "serve": _serve,
    "act": _act,
    "print": _print,
}


def _bear(order: dict) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _ROLES[order.pop("role")](**order)
        status = 0
    except BaseException as error:
        logging.exception("A process of the test failed.")
        say("log", message=repr(error)[:500])
    finally:
        # Nothing of the parent's may be flushed or tidied here.
        os._exit(status)


def main() -> None:
    points.keep_stdout()
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(process)d %(name)s %(levelname)s %(message)s",
    )
    telling = _Telling(logging.WARNING)
    logging.getLogger("plone.app.taskqueue").addHandler(telling)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    alive: set[int] = set()

    def reap(*_) -> None:
        while alive:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            alive.discard(pid)
            say("ended", child=pid, status=os.waitstatus_to_exitcode(status))

    signal.signal(signal.SIGCHLD, reap)
    for line in sys.stdin:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = _bear(json.loads(line))
        alive.add(pid)
        say("started", child=pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
