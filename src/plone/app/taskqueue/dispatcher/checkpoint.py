"""May a running job go on?  Seen as the database is now, not as the job sees it.

The job's own connection shows the moment at which its transaction began, so that it
never hears of a cancel or a takeover.  Each look uses a connection of its own.
"""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.glance import glance
from plone.app.taskqueue.dispatcher.guard import is_held
from plone.app.taskqueue.dispatcher.guard import reassigned
from plone.app.taskqueue.job.errors import JobCancelled
from typing import Any
from ZODB.interfaces import IConnection
from ZODB.interfaces import IDatabase
from ZODB.POSException import POSKeyError

import builtins
import logging


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

#: Least seconds between two looks.
_INTERVAL = 0.25


class Checkpoint:
    """The looks of one run; used in its thread."""

    def __init__(self, database: IDatabase):
        self._database = database
        #: When it last looked and found nothing.
        self._looked: float | None = None

    def verdict(self, run: Any) -> Exception | None:
        """Return why the run must end, or ``None`` if it may go on."""
        now = clock.monotonic()
        error = None
        if self._looked is None or now - self._looked >= _INTERVAL:
            error = self._look_whatever_happens(run)
            if error is None:
                self._looked = now
        if error is None and run.limit is not None and now - run.began > run.limit:
            seconds = "second" if run.limit == 1 else "seconds"
            error = builtins.TimeoutError(
                f"{run.describe()} ran longer than its limit of {run.limit:g} {seconds}."
            )
        return error

    def _look_whatever_happens(self, run: Any) -> Exception | None:
        try:
            with glance(self._database) as connection:
                # A service and its jobs may be elsewhere than all other queues.
                home = run.lease._p_jar.db().database_name
                return _look(connection.get_connection(home), run)
        except Exception as error:
            logger.debug(
                "%s could not look whether it was cancelled: %r", run.describe(), error
            )
            return None


def _look(connection: IConnection, run: Any) -> Exception | None:
    try:
        lease = connection.get(run.lease._p_oid)
        held = is_held(lease, run.claim, run.index)
    except POSKeyError:
        # Another worker took it, and a pack has swept it away since.
        held = False
    if not held:
        return reassigned(run.job)
    if connection.get(run.job._p_oid).cancel_requested:
        return JobCancelled(f"{run.describe()} was cancelled while it ran.")
    return None
