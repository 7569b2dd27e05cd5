"""Results that are files: what somebody downloads instead of reading it on a page."""

from plone.app.taskqueue.administration.showing import SHOWN
from plone.namedfile.interfaces import INamedTyped
from plone.namedfile.utils import safe_basename
from typing import Any
from typing import NamedTuple


#: The type of a file of which nothing is known.
UNKNOWN = "application/octet-stream"


class ResultFile(NamedTuple):
    """A file that came out of a job."""

    name: str
    #: What it says it is; who serves it had better not let a browser believe that.
    content_type: str
    data: bytes


def is_file(value: Any) -> bool:
    """Say whether a result is bytes, a file of Plone, or a text that is long."""
    if isinstance(value, str):
        return len(value) > SHOWN
    return isinstance(value, bytes | bytearray) or INamedTyped.providedBy(value)


def file_of(number: str, value: Any) -> ResultFile | None:
    """Return the file that a result is; ``None``: none, so that the page shows it.

    ``number`` is what the job is called, for the name of a file that has none.
    """
    if not is_file(value):
        return None
    if isinstance(value, str):
        return ResultFile(
            f"job-{number}.txt", "text/plain", value.encode(errors="backslashreplace")
        )
    name = f"job-{number}.bin"
    if isinstance(value, bytes | bytearray):
        return ResultFile(name, UNKNOWN, bytes(value))
    name = safe_basename(value.filename or "") or name
    return ResultFile(name, value.contentType or UNKNOWN, value.data)
