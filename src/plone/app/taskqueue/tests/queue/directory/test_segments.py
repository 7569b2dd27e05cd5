"""A segment finds just the rows that have what is wanted."""

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from plone.app.taskqueue.queue.directory import segments
from plone.app.taskqueue.queue.directory.rows import Rows
from plone.app.taskqueue.queue.directory.rows import WIDTH
from plone.app.taskqueue.queue.directory.segments import Segment

import struct


#: Numbers whose bytes overlap each other's, as those of real ones hardly ever do.
NUMBERS = st.sampled_from([0, 1, 256, 0x01010101, 0x01000000, 0x00010101, 0xFFFFFFFF])
ROWS = st.lists(
    st.tuples(st.integers(0, 40), st.tuples(NUMBERS, NUMBERS)), min_size=1, max_size=40
)


@settings(deadline=None, derandomize=True, max_examples=400)
@given(
    ROWS,
    st.dictionaries(st.integers(0, 1), st.frozensets(NUMBERS, min_size=1, max_size=2)),
    st.integers(0, 40),
    st.integers(0, 40),
    st.booleans(),
    st.sampled_from([0, 20, 100]),
    st.sampled_from([1, 3, 32]),
)
def test_it_finds_what_looking_at_each_row_finds(
    pairs, wanted, low, high, newest_first, inline, listed
):
    before = segments._INLINE, segments._LISTED
    segments._INLINE, segments._LISTED = inline, listed
    try:
        rows = Rows(2)
        for order, numbers in pairs:
            rows.add(order, struct.pack("<2I", *numbers))
        segment = Segment(rows.sorted())
        again = Segment.__new__(Segment)
        again.__setstate__(segment.__getstate__())
    finally:
        segments._INLINE, segments._LISTED = before
    needles = {
        column: frozenset(number.to_bytes(WIDTH, "little") for number in numbers)
        for column, numbers in wanted.items()
    }
    expected = sorted(
        (
            order
            for order, row in pairs
            if low <= order <= high
            and all(row[column] in numbers for column, numbers in wanted.items())
        ),
        reverse=newest_first,
    )
    assert list(again.find(needles, low, high, newest_first)) == expected
    assert sorted(again.rows().items()) == sorted(rows.items())
