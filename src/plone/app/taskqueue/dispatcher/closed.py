"""A ZEO server may close a storage: it is there still, and answers with errors alone.

``FileStorage`` closes itself where the last step of a commit fails, as on a disk that
refuses a byte, since what is on the disk is not known then.  It opens again with the
server's next start, until which nothing can be kept and no job can run.
"""

from plone.app.taskqueue.queue.zeo import client_of
from plone.app.taskqueue.queue.zeo import is_of_zeo
from plone.app.taskqueue.queue.zeo import was_raised_there
from typing import Any
from ZODB.utils import z64

import logging
import threading


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

_lock = threading.Lock()


def is_closed(storage: Any) -> bool:
    """Say whether it is a ZEO client whose server was found to have closed its storage.

    Asks the server again after each new connection: it also lets clients go that it can
    only answer with errors.
    """
    client = client_of(storage)
    if client is None:
        return False
    with _lock:
        found = getattr(client, "_taskqueue_closed", None)
        if found is None:
            return False
        present = _connection_of(client)
        if present is None or present is found:
            return True
        closed = _ask(client)
        if closed is False:
            client._taskqueue_closed = None
            return False
        if closed:
            client._taskqueue_closed = present
        return True


def look_whether_closed(storage: Any, error: BaseException) -> None:
    """Find out whether the storage is closed, if the error may have to do with that."""
    # What closes it is an error of the disk for one thread, and a connection that broke
    # for the others: the client ends it when the last step of a commit fails.
    if not is_of_zeo(error, "ClientStorageError"):
        return
    client = client_of(storage)
    if client is None or not client.is_connected() or is_closed(storage):
        return
    with _lock:
        if getattr(client, "_taskqueue_closed", None) is not None or not _ask(client):
            return
        client._taskqueue_closed = _connection_of(client)
    logger.error(
        "The ZEO server has closed its storage, as it does after a commit whose last "
        "step failed; its log says why. Until it is started again nothing can be kept: "
        "mend the disk and start it again. Jobs that ran are run again then."
    )


def _connection_of(client: Any) -> Any:
    """Return what stands for the present connection; ``None`` if there is none."""
    return client._server.client.protocol


def _ask(client: Any) -> bool | None:
    """Let the server read something; ``None`` if it gives no answer."""
    try:
        # Nobody keeps the answer to this, so the server itself has to look.
        client.history(z64, 1)
    except Exception as error:
        if was_raised_there(error, "ValueError") and "closed" in str(error.args[1:]):
            return True
        return None
    return False
