"""Aborting a transaction for good, whatever its data managers say to it."""

from transaction.interfaces import ITransactionManager

import logging


logger = logging.getLogger("plone.app.taskqueue.dispatcher")


def abort(manager: ITransactionManager) -> None:
    """Abort; a data manager that raises is logged and holds up nobody else.

    The transaction tells all its data managers, and only then raises what one of them
    has raised.
    """
    try:
        manager.abort()
    except BaseException as error:
        logger.warning(
            "A data manager failed to abort (%r). The transaction is over all the same.",
            error,
        )
