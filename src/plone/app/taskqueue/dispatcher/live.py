"""What running jobs tell, for readers of this process and of others.

The runs that have told something are known here while they last.  Those of other
processes are on the boards of their workers, a little later: see ``dispatcher.notices``.
"""

from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.queue.boards import as_live
from plone.app.taskqueue.queue.boards import entries_of
from plone.app.taskqueue.queue.boards import Entry
from plone.app.taskqueue.queue.boards import Live
from plone.app.taskqueue.queue.container import find_queues
from typing import Any
from ZODB.interfaces import IConnection
from ZODB.interfaces import IDatabase
from ZODB.utils import u64


#: The runs that have told something, oldest first, with the database and id of their
#: jobs, which other threads must not touch.  Changed and copied in single steps of the
#: interpreter, so it needs no lock; a few at a time, so it needs no index.
_runs: dict[Any, tuple[IDatabase, bytes]] = {}


def show(run: Any) -> None:
    """Make a run known to other threads; called in its own."""
    connection = run.job._p_jar
    if connection is not None:
        _runs[run] = connection.db(), run.job._p_oid


def forget(run: Any) -> None:
    """The run has ended."""
    _runs.pop(run, None)


def find_run(job: AsyncJob) -> Any | None:
    """Return the run of a job in this process if it has told something.

    ``job`` may be of any connection to the same database.
    """
    if job._p_jar is None:
        return None
    database, oid = job._p_jar.db(), job._p_oid
    # The last one began last: a run whose job was taken from it may still be there.
    for run, (its_database, its_oid) in reversed(_runs.copy().items()):
        if its_oid == oid and its_database is database:
            return run
    return None


def entries_of_worker(worker_id: str) -> dict[int, Entry]:
    """Return what the runs of a worker tell now, by the ids of their jobs."""
    return {
        u64(oid): run.entry()
        for run, (_, oid) in _runs.copy().items()
        if run.worker_id == worker_id
    }


def live_of(connection: IConnection, job: AsyncJob) -> Live | None:
    """Return what a running job tells: progress, live annotations, last log lines.

    ``None``: it does not run, or has told nothing yet.  A job that runs in this process
    is read from memory, as it is now.  One of another process is read from the database
    as ``connection`` sees it, at most about ``Options.live_seconds`` after it has told
    something.  Writes nothing.
    """
    run = find_run(job)
    if run is not None:
        return as_live(run.entry())
    if job._p_jar is None or job.stored_state in FINAL:
        return None
    queues = find_queues(connection)
    if queues is None:
        return None
    entry = next(entries_of(queues, id_of(job)), None)
    return None if entry is None else as_live(entry)
