"""Results that are files: what somebody downloads instead of reading it on a page."""

from plone.app.taskqueue.administration.showing import SHOWN
from plone.namedfile.interfaces import INamed
from typing import Any
from typing import NamedTuple


#: What a file is of which nothing is known.
UNKNOWN = "application/octet-stream"


class ResultFile(NamedTuple):
    """A file that came out of a job."""

    name: str
    content_type: str
    data: bytes


def is_file(value: Any) -> bool:
    """Say whether a result is bytes, a named file, or a text that is long."""
    if isinstance(value, str):
        return len(value) > SHOWN
    if isinstance(value, bytes):
        return True
    return INamed.providedBy(value) and isinstance(getattr(value, "data", None), bytes)


def file_of(number: str, value: Any) -> ResultFile | None:
    """Return the file that a result is; ``None``: none, so that the page shows it.

    ``number`` is what the job is called, for the name of a file that has none.
    """
    if not is_file(value):
        return None
    if isinstance(value, bytes):
        return ResultFile(f"job-{number}.bin", UNKNOWN, value)
    if isinstance(value, str):
        return ResultFile(
            f"job-{number}.txt", "text/plain; charset=utf-8", value.encode()
        )
    name = value.filename or f"job-{number}.bin"
    return ResultFile(name, value.contentType or UNKNOWN, value.data)
