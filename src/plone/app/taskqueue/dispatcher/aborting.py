"""Aborting a transaction for good, whatever its data managers say to it."""

from transaction.interfaces import ITransactionManager

import logging


logger = logging.getLogger("plone.app.taskqueue.dispatcher")


def abort(manager: ITransactionManager) -> None:
    """Abort; a data manager that raises is logged and holds up nobody else."""
    transaction = manager.get()
    try:
        manager.abort()
    except BaseException as error:
        logger.warning(
            "A data manager failed to abort (%r). The transaction is over all the same.",
            error,
        )
        if manager.get() is transaction:
            # A hook failed before anything was aborted.
            manager.free(transaction)
