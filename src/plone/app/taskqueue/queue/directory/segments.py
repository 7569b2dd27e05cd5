"""Segments: rows by the thousands, column by column, written once and read at need.

A column of many values is a record of its own, so that a search loads the one that it
asks about; one with a single value is just that.  What values there are is known
without loading it, if they are few.
"""

from array import array
from bisect import bisect_left
from bisect import bisect_right
from collections.abc import Iterator
from persistent import Persistent
from plone.app.taskqueue.queue.directory.rows import packed
from plone.app.taskqueue.queue.directory.rows import Rows
from plone.app.taskqueue.queue.directory.rows import unpacked
from plone.app.taskqueue.queue.directory.rows import WIDTH

import heapq


#: Rows of one segment, at most.
LARGEST = 16_384
#: Columns of so many rows are kept in the segment's own record.
_INLINE = 128
#: As many values of a column are listed in the segment's record.
_LISTED = 32

#: What is wanted: for some columns by number, the values that will do.
Needles = dict[int, frozenset[bytes]]


class _Column(Persistent):
    """The values of one column."""

    def __init__(self, stored: bytes) -> None:
        self.stored = stored

    def __getstate__(self) -> bytes:
        return self.stored

    def __setstate__(self, state: bytes) -> None:
        self.stored = state


class Segment(Persistent):
    """Rows in the order of their jobs; at least one."""

    def __init__(self, rows: Rows) -> None:
        self.count = len(rows)
        #: The lowest and the highest order.
        self.low, self.high = rows.orders[0], rows.orders[-1]
        self._orders = self._kept(packed(rows.orders))
        self._columns, self._values = [], []
        for column in rows.columns:
            values = sorted(set(column))
            listed = array("I", values if len(values) <= _LISTED else ())
            self._values.append(packed(listed))
            # A column of one value is told by the list of its values.
            stored = b"" if len(values) == 1 else packed(column)
            self._columns.append(self._kept(stored))

    def _kept(self, stored: bytes) -> "bytes | _Column":
        return stored if self.count <= _INLINE else _Column(stored) if stored else b""

    def __getstate__(self) -> tuple:
        return (
            self.count,
            self.low,
            self.high,
            self._orders,
            tuple(self._columns),
            tuple(self._values),
        )

    def __setstate__(self, state: tuple) -> None:
        (
            self.count,
            self.low,
            self.high,
            self._orders,
            self._columns,
            self._values,
        ) = state

    @property
    def orders(self) -> array:
        """The orders of the jobs, ascending."""
        return unpacked("Q", _stored(self._orders))

    def rows(self) -> Rows:
        """Return all rows."""
        rows = Rows(0)
        rows.orders = self.orders
        rows.columns = [
            unpacked("I", _stored(column) or values * self.count)
            for column, values in zip(self._columns, self._values, strict=True)
        ]
        return rows

    def may_have(self, needles: Needles) -> bool:
        """Say whether there may be such rows, by what is known of their values."""
        return all(
            not self._values[column]
            or any(_has(self._values[column], value) for value in values)
            for column, values in needles.items()
        )

    def find(
        self, needles: Needles, low: int, high: int, newest_first: bool
    ) -> Iterator[int]:
        """Yield the orders between ``low`` and ``high`` of such rows, in order, lazily."""
        if high < self.low or low > self.high or not self.may_have(needles):
            return
        first, last = 0, self.count
        if low > self.low or high < self.high:
            orders = self.orders
            first, last = bisect_left(orders, low), bisect_right(orders, high)
        orders = None
        for place in self._find(needles, first, last, newest_first):
            # What nobody is found by is not loaded.
            orders = orders or self.orders
            yield orders[place]

    def _find(
        self, needles: Needles, first: int, last: int, newest_first: bool
    ) -> Iterator[int]:
        # Those of very many values first, as they leave the fewest places to look at.
        numbers = sorted(needles, key=lambda number: len(self._values[number]) > 0)
        columns = [
            (_stored(self._columns[number]), needles[number])
            for number in numbers
            if self._columns[number]
        ]
        if not columns:
            return iter(range(first, last)[:: -1 if newest_first else 1])
        (column, values), *others = columns
        search = _places_backwards if newest_first else _places
        places = heapq.merge(
            *(search(column, value, first, last) for value in values),
            reverse=newest_first,
        )
        return (
            place
            for place in places
            if all(
                other[place * WIDTH : (place + 1) * WIDTH] in wanted
                for other, wanted in others
            )
        )


def _stored(column: "bytes | _Column") -> bytes:
    return column if isinstance(column, bytes) else column.stored


def _has(column: bytes, value: bytes) -> bool:
    return next(_places(column, value, 0, len(column) // WIDTH), None) is not None


def _places(column: bytes, value: bytes, first: int, last: int) -> Iterator[int]:
    """Yield the places at which the value stands, in order."""
    at, end = first * WIDTH, last * WIDTH
    while (at := column.find(value, at, end)) >= 0:
        if at % WIDTH:
            at += 1
        else:
            yield at // WIDTH
            at += WIDTH


def _places_backwards(
    column: bytes, value: bytes, first: int, last: int
) -> Iterator[int]:
    begin, end = first * WIDTH, last * WIDTH
    while (at := column.rfind(value, begin, end)) >= 0:
        if at % WIDTH:
            end = at + WIDTH - 1
        else:
            yield at // WIDTH
            end = at
