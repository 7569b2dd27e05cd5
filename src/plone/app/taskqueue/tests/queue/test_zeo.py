"""Ids of new objects where the storage is a ZEO client."""

from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.batch import await_job
from plone.app.taskqueue.queue import batching
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.zeo import _FreshIds
from plone.app.taskqueue.tests import functions
from ZODB.POSException import ConflictError

import pytest


def test_ids_that_a_client_had_before_are_left_out():
    ids = _FreshIds([b"\2", b"\1"])
    assert [ids.pop(), ids.pop()] == [b"\1", b"\2"]
    # What a server that was started again answers: first what it has given before.
    ids[:0] = reversed([b"\1", b"\2"])
    assert ids == []
    ids[:0] = reversed([b"\2", b"\3", b"\4"])
    assert [ids.pop(), ids.pop()] == [b"\3", b"\4"]


def test_a_job_whose_id_another_new_object_has_is_not_lost_without_a_word(engine):
    connection = engine.connect()
    queue = get_queues(connection)[""]
    first = connection.new_oid()
    connection.new_oid = lambda: first  # as a server does that was started again
    queue.put(AsyncJob(functions.nothing), ())
    with pytest.raises(ConflictError, match="one id to two new objects"):
        queue.put(AsyncJob(functions.nothing), ())
    connection.transaction_manager.abort()
    del connection.new_oid


def test_nor_is_a_job_that_another_one_returned(engine):
    engine.put(functions.nothing)
    held = engine.hold()
    held.manager.begin()
    first = held.connection.new_oid()
    held.connection.new_oid = lambda: first
    held.queue.put(AsyncJob(functions.nothing), ())
    batch = await_job(held.job(0), AsyncJob(functions.nothing))
    with pytest.raises(ConflictError, match="one id to two new objects"):
        batching.begin(held.queue, held.lease, 0, batch)
    held.manager.abort()
    del held.connection.new_oid
