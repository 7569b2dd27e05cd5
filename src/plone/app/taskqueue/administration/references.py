"""The names that jobs have in addresses: short, without meaning, and checked."""

from plone.app.taskqueue.interfaces import IAsyncJob
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.queue.readable import reading_error
from typing import Any
from ZODB.interfaces import IConnection
from ZODB.POSException import POSKeyError
from ZODB.utils import p64

import re


#: Number of the record, behind the name of its database if that is not the main one.
_REFERENCE = re.compile(r"(?:(?P<database>[\w.]+)-)?(?P<number>[0-9]{1,19})")


def reference_of(job: IAsyncJob, connection: IConnection) -> str:
    """Return what a job is called in addresses; ``connection`` is to the queues."""
    number = str(id_of(job))
    if job._p_jar is None or job._p_jar.db() is connection.db():
        return number
    return f"{job._p_jar.db().database_name}-{number}"


def find_job(connection: IConnection, reference: Any) -> IAsyncJob | None:
    """Return the job that is called so, or ``None``.

    Also ``None`` for whatever else has that number, and for a job that was forgotten.
    """
    match = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    number = int(match["number"]) if match else 1 << 64
    if number >= 1 << 63:
        return None
    if match["database"]:
        if match["database"] not in connection.db().databases:
            return None
        connection = connection.get_connection(match["database"])
    try:
        job = connection.get(p64(number))
    except POSKeyError:
        return None
    if not isinstance(job, AsyncJob) or reading_error(job) is not None:
        return None
    queue = job.queue
    return job if queue is not None and queue.has(job) else None
