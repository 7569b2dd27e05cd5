"""A ZEO server may close a storage: it is there still, and answers with errors alone.

``FileStorage`` closes itself where the last step of a commit fails, as on a disk that
refuses a byte, since what is on the disk is not known then.  It opens again with the
server's next start, until which nothing can be read and no job can run.
"""

from plone.app.taskqueue.queue.zeo import client_of
from plone.app.taskqueue.queue.zeo import was_raised_there
from typing import Any
from ZODB.utils import z64

import logging


logger = logging.getLogger("plone.app.taskqueue.dispatcher")


def is_closed(storage: Any) -> bool:
    """Say whether it is a ZEO client whose server was found to have closed its storage.

    That is over when the server has let the client go, as it does when it ends.
    """
    client = client_of(storage)
    if client is None:
        return False
    closed = getattr(client, "_taskqueue_closed", None)
    return closed is not None and closed is client._server.client.protocol


def look_whether_closed(storage: Any, error: BaseException) -> None:
    """Find out whether the storage is closed, if the error may have to do with that."""
    client = client_of(storage)
    if client is None or is_closed(storage):
        return
    if not (was_raised_there(error, "OSError") or _tells_of_it(error)):
        return
    protocol = client._server.client.protocol
    try:
        # Nobody keeps the answer to this, so the server itself has to look.
        client.history(z64, 1)
    except Exception as answer:
        if _tells_of_it(answer):
            client._taskqueue_closed = protocol
            logger.error(
                "The ZEO server has closed its storage (%r), as it does after a commit "
                "whose last step failed; its log says why. Until it is started again "
                "nothing can be read or kept: mend the disk and start it again. Jobs "
                "that ran are run again then.",
                answer,
            )


def _tells_of_it(error: BaseException) -> bool:
    return was_raised_there(error, "ValueError") and "closed" in str(error.args[1:])
