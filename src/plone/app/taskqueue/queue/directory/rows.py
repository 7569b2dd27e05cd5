"""Rows: what a job is looked for by, as numbers of 32 bits.

Two texts may have the same number, so that a row says what a job may be.  Whoever finds
one looks at the job itself.
"""

from array import array
from collections.abc import Iterable
from collections.abc import Iterator
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.directory.wanted import class_name
from plone.app.taskqueue.queue.directory.wanted import error_of

import logging
import struct
import sys
import zlib


logger = logging.getLogger("plone.app.taskqueue.queue")

#: The columns of a row in their order.  Jobs that have not ended have no error.
SITE, OWNER, FUNCTION, CONTEXT, PATH, ERROR = range(6)
#: How many columns the rows of jobs in rooms have, and of those that have ended.
OPEN_COLUMNS = ERROR
ENDED_COLUMNS = ERROR + 1

#: Bytes of one number.
WIDTH = 4
#: In all columns of a job of which nothing could be found out: it may be anything.
UNKNOWN = bytes(WIDTH)

_open = struct.Struct(f"<{OPEN_COLUMNS}I")
#: Bytes of the row of a job that has not ended.
OPEN_SIZE = _open.size
_ended = struct.Struct(f"<{ENDED_COLUMNS}I")
_one = struct.Struct("<I")


def number_of(text: str) -> int:
    """Return the number that stands for a text, which is never 0."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass")) or 1


def needle(text: str) -> bytes:
    """Return the same as it is stored."""
    return _one.pack(number_of(text))


def open_row(job: AsyncJob) -> bytes:
    """Return the row of a job that has not ended and is loaded."""
    try:
        numbers = _numbers(job)
        return bytes(_open.size) if numbers is None else _open.pack(*numbers)
    except Exception:
        _complain(job)
        return bytes(_open.size)


def ended_row(job: AsyncJob) -> bytes:
    """Return the row of a job that has ended and is loaded."""
    try:
        numbers = _numbers(job)
        if numbers is None:
            return bytes(_ended.size)
        return _ended.pack(*numbers, number_of(class_name(error_of(job))))
    except Exception:
        _complain(job)
        return bytes(_ended.size)


def _numbers(job: AsyncJob) -> Iterable[int] | None:
    """Return the numbers of a job that has not ended; ``None``: they are not known."""
    facets = job.stored_facets
    if facets is None:
        return None
    return (
        number_of(facets.site),
        number_of(facets.owner[1] if facets.owner else ""),
        number_of(job.function_name),
        number_of(facets.context),
        number_of(facets.path),
    )


def _complain(job: AsyncJob) -> None:
    # Nobody's transaction shall fail because of it, and all searches look at the job.
    logger.exception(
        "It cannot be told whose job %s (%s) is, nor what it works on. It is queued, and "
        "found, all the same.",
        job.id,
        job.function_name,
    )


class Rows:
    """Rows in memory, column by column, with the order of each job."""

    def __init__(self, columns: int) -> None:
        self.orders = array("Q")
        self.columns = [array("I") for _ in range(columns)]

    def __len__(self) -> int:
        return len(self.orders)

    def add(self, order: int, row: bytes) -> None:
        """Add a row as ``open_row`` or ``ended_row`` returns it."""
        self.orders.append(order)
        numbers = struct.unpack(f"<{len(self.columns)}I", row)
        for column, number in zip(self.columns, numbers, strict=True):
            column.append(number)

    def items(self) -> Iterator[tuple[int, bytes]]:
        """Yield them as they were added."""
        pack = struct.Struct(f"<{len(self.columns)}I").pack
        for order, numbers in zip(
            self.orders, zip(*self.columns, strict=True), strict=True
        ):
            yield order, pack(*numbers)

    def extend(self, other: "Rows") -> None:
        """Add all rows of others with the same columns."""
        self.orders.extend(other.orders)
        for column, added in zip(self.columns, other.columns, strict=True):
            column.extend(added)

    def chosen(self, numbers: Iterable[int]) -> "Rows":
        """Return some of the rows, by their places, in that sequence."""
        numbers = list(numbers)
        found = Rows(0)
        found.orders = array("Q", map(self.orders.__getitem__, numbers))
        found.columns = [
            array("I", map(column.__getitem__, numbers)) for column in self.columns
        ]
        return found

    def sorted(self) -> "Rows":
        """Return them in order."""
        return self.chosen(sorted(range(len(self.orders)), key=self.orders.__getitem__))


def packed(numbers: array) -> bytes:
    """Return numbers as they are stored."""
    if sys.byteorder == "big":
        numbers = array(numbers.typecode, numbers)
        numbers.byteswap()
    return numbers.tobytes()


def unpacked(kind: str, stored: bytes) -> array:
    """Return numbers that ``packed`` has stored; ``kind`` is ``"I"`` or ``"Q"``."""
    numbers = array(kind, stored)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
