"""What an XML-RPC client is told when its call fails.  Codes are like those of HTTP."""

from plone.app.taskqueue.xmltext import writable
from xmlrpc.client import Fault


#: The arguments cannot be used.
BAD_ARGUMENTS = 400
#: The request may have been sent by a browser, on behalf of another site.
FORBIDDEN = 403
#: There is no such job.
NOT_FOUND = 404
#: The answer has something in it that XML-RPC has no word for.
NOT_SENDABLE = 406
#: Something that should not happen; the log tells more.
FAILED = 500


class RefusedError(Exception):
    """A call is refused; ``code`` says why, and the message in words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def fault(code: int, message: str) -> Fault:
    """Return the answer to a call that failed."""
    return Fault(code, writable(message))
