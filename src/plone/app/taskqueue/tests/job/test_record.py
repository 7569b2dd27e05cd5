"""The stored form of a job: short, and kept by those who do not know all of it."""

from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.tests.functions import give
from plone.app.taskqueue.tests.functions import nothing

import pytest


def _size(engine, job_id):
    return len(engine.storage.load(engine.job(job_id)._p_oid)[0])


def test_what_most_jobs_do_not_have_takes_no_bytes(engine):
    job_id = engine.put(nothing)
    job = engine.job(job_id)
    assert len(job.__getstate__()) == 7
    pending = _size(engine, job_id)
    engine.run()
    assert pending < 140
    assert _size(engine, job_id) < 190
    assert engine.job(job_id)._extra is None


def test_an_option_takes_only_its_own_bytes(engine):
    plain = engine.put(nothing)
    with engine.queue() as queue:
        job = AsyncJob(nothing)
        job.timeout = 10
        queue.put(job, ())
    assert _size(engine, job.id) - _size(engine, plain) < 60


def test_a_value_beside_is_set_replaced_and_removed():
    job = AsyncJob(nothing)
    assert job.extra("one") is None
    assert job.extra("one", 7) == 7
    job.set_extra("one", 1)
    before = job._extra
    job.set_extra("two", 2)
    # Never changed in place: the record would not notice.
    assert before == {"one": 1}
    job.set_extra("one", ())
    assert (job.extra("one", 7), job.extra("two")) == ((), 2)
    job.set_extra("one", None)
    job.set_extra("two", None)
    assert job._extra is None


def test_removing_what_is_not_there_changes_nothing(engine):
    with engine.queue() as queue:
        job = queue.put(AsyncJob(nothing), ())
    stored = engine.job(job.id)
    stored.set_extra("timeout", None)
    assert not stored._p_changed
    stored.set_extra("timeout", 1)
    assert stored._p_changed


@pytest.mark.parametrize(
    "change", [lambda job: None, lambda job: job.set_extra("x", 1)]
)
def test_what_a_newer_version_has_stored_survives_a_rewrite(change):
    job = AsyncJob(give, 1)
    job.set_extra("of a newer version", (1, 2))
    state = job.__getstate__()
    newer = (*state, "beyond", 3)
    old = AsyncJob.__new__(AsyncJob)
    old.__setstate__(newer)
    change(old)
    assert old.extra("of a newer version") == (1, 2)
    assert old.__getstate__()[-2:] == ("beyond", 3)
    again = AsyncJob.__new__(AsyncJob)
    again.__setstate__(old.__getstate__())
    assert again.arguments == (1,)
    assert again.extra("of a newer version") == (1, 2)


def test_an_older_version_s_shorter_record_has_the_defaults():
    job = AsyncJob.__new__(AsyncJob)
    job.__setstate__((1, "some:where"))
    assert (job.isolated, job.interruptions, job.callbacks) == (False, 0, ())
    assert job.__getstate__() == (1, "some:where")
