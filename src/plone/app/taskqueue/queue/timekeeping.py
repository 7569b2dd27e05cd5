"""Comparing this host's clock with that of the database, by the times of its commits.

A transaction's id tells when the storage took it: the ZEO server or PostgreSQL by its
own clock, and a storage without a server by this host's.
"""

from persistent import Persistent
from plone.app.taskqueue import clock
from ZODB.interfaces import IConnection
from ZODB.TimeStamp import TimeStamp
from ZODB.utils import z64


#: What a transaction knows once it is to be compared.
_KEY = "plone.app.taskqueue: clocks are compared"


def compare_after_commit(jar: IConnection | None, record: Persistent) -> None:
    """Compare the clocks when, and if, the connection has written the record.

    Nothing happens to what is in no database, where ``jar`` is ``None``.
    """
    if jar is None:
        return
    transaction = jar.transaction_manager.get()
    try:
        transaction.data(_KEY)
    except KeyError:
        transaction.set_data(_KEY, True)
        transaction.addAfterCommitHook(
            _compare,
            (record, record._p_serial, clock.host_now(), clock.monotonic()),
        )


def _compare(
    success: bool, record: Persistent, serial: bytes, before: float, began: float
) -> None:
    # A new record may be gone again, with a savepoint.
    written = record._p_serial
    if success and written not in (None, z64, serial):
        clock.compare(TimeStamp(written).timeTime(), before, began)
