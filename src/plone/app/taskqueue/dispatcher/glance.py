"""A short look at the database as it is now, beside whatever the thread does."""

from collections.abc import Iterator
from contextlib import contextmanager
from ZODB.interfaces import IConnection
from ZODB.interfaces import IDatabase

import transaction


@contextmanager
def glance(database: IDatabase) -> Iterator[IConnection]:
    """Give a connection with a transaction manager of its own, for reading.

    The thread's transaction is left alone.  What was read must not be kept.
    """
    connection = database.open(transaction.TransactionManager())
    try:
        yield connection
    finally:
        try:
            connection.transaction_manager.abort()
        finally:
            connection.close()
