"""Ids of new objects where the storage is a ZEO client."""

from plone.app.taskqueue.queue.zeo import _FreshIds


def test_ids_that_a_client_had_before_are_left_out():
    ids = _FreshIds([b"\2", b"\1"])
    assert [ids.pop(), ids.pop()] == [b"\1", b"\2"]
    # What a server that was started again answers: first what it has given before.
    ids[:0] = reversed([b"\1", b"\2"])
    assert ids == []
    ids[:0] = reversed([b"\2", b"\3", b"\4"])
    assert [ids.pop(), ids.pop()] == [b"\3", b"\4"]
