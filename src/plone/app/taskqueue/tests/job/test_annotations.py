"""What callers and jobs write down on a job."""

from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests.functions import nothing

import pytest


def test_annotations_are_a_mapping_that_costs_nothing_while_it_is_empty():
    job = AsyncJob(nothing)
    plain = job.__getstate__()
    assert dict(job.annotations) == {}
    assert job.annotations.get("a") is None
    with pytest.raises(KeyError):
        job.annotations["a"]
    with pytest.raises(KeyError):
        del job.annotations["a"]
    assert job.__getstate__() == plain
    job.annotations["a"] = 1
    job.annotations.update(b=[2])
    assert dict(job.annotations) == {"a": 1, "b": [2]}
    assert (len(job.annotations), "b" in job.annotations) == (2, True)
    del job.annotations["a"]
    assert list(job.annotations) == ["b"]


def test_annotations_are_stored_with_the_job_and_names_do_not_conflict(engine):
    with engine.queue() as queue:
        job = AsyncJob(nothing)
        job.annotations["before"] = 1
        queue.put(job, ())
    writers = [engine.connect(), engine.connect()]
    for name, connection in zip("ab", writers, strict=True):
        get_queues(connection)[""][0].annotations[name] = name
    for connection in writers:
        connection.transaction_manager.commit()
    engine.run()
    assert dict(engine.job(job.id).annotations) == {"before": 1, "a": "a", "b": "b"}
