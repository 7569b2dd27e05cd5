"""What a job can ask and tell while it runs, and that all of it is harmless elsewhere."""

from plone.app.taskqueue import clock
from plone.app.taskqueue import local
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import Threads
from plone.app.taskqueue.tests.functions import stage
from ZODB.utils import p64

import pytest
import threading


@pytest.mark.parametrize(
    "call, expected",
    [
        (lambda: local.progress(1, 2, "half"), None),
        (lambda: local.progress("nonsense", object(), None), None),
        (lambda: local.annotate("name", 1), None),
        (lambda: local.annotate(3, threading.Lock()), None),
        (lambda: local.checkpoint(), None),
        (lambda: local.getJob(), None),
        (lambda: local.getQueue(), None),
        (lambda: local.getDispatcher(), None),
        (lambda: local.setLiveAnnotation("name", 1), None),
        (lambda: local.getLiveAnnotation("name"), None),
        (lambda: local.getLiveAnnotation("name", 5), 5),
        # It would wait for an hour.
        (lambda: local.getLiveAnnotation("name", 5, timeout=3600), 5),
    ],
)
def test_outside_of_a_job_nothing_happens(call, expected):
    assert call() == expected


def test_outside_of_a_job_nothing_is_told_of_a_job_that_does_not_run(run):
    new = AsyncJob(functions.nothing)
    for job in (new, run.job):
        assert local.setLiveAnnotation("name", 1, job=job) is None
        assert local.getLiveAnnotation("name", 5, job=job) == 5
    assert run.annotations == {}


def test_a_job_that_is_gone_has_no_annotation(engine, run):
    job = engine.connect().get(p64(run.job.id))
    engine.fence(run.worker_id)
    engine.run()
    connection = engine.connect()
    with connection.transaction_manager:
        get_queues(connection)[""].prune(clock.now() + 7200)
    engine.db.pack()
    assert local.getLiveAnnotation("name", 5, job=job) == 5


def test_inside_a_job_the_calls_are_about_it(engine, run):
    with run:
        assert local.getJob() is run.job
        assert local.getQueue() is get_queues(run.job._p_jar)[""]
        assert local.getDispatcher() is None
        local.progress(1, 2, "half")
        local.annotate("page", 3)
        local.setLiveAnnotation("other", [4])
        assert local.getLiveAnnotation("page") == 3
        assert local.getLiveAnnotation("missing", "none") == "none"
        assert local.checkpoint() is None
    assert run.progress == (1, 2, "half")
    assert run.annotations == {"page": 3, "other": [4]}


def test_inside_a_job_what_cannot_be_told_is_refused(run):
    with run:
        with pytest.raises(ValueError, match="is a number"):
            local.progress("half")
        with pytest.raises(ValueError, match="cannot be kept"):
            local.annotate("name", threading.Lock())
        with pytest.raises(ValueError, match="cannot be kept"):
            local.setLiveAnnotation("name", threading.Lock())


def test_the_dispatcher_is_the_one_that_runs_the_job(engine, make_run):
    run = make_run(dispatcher_uuid="mine")
    dispatcher = engine.dispatcher("mine")
    engine.dispatcher("another")
    with run:
        assert local.getDispatcher() is dispatcher


def test_threads_that_a_job_starts_may_tell_and_ask_about_it(run):
    seen = []

    def help_it(job):
        local.progress(9, 9, "not about any job")
        local.setLiveAnnotation("from", "a thread", job=job)
        seen.append(local.getLiveAnnotation("from", job=job))

    with run:
        local.progress(1)
        threads = Threads()
        threads.start(help_it, run.job)
        threads.join()
        assert local.getLiveAnnotation("from") == "a thread"
    assert seen == ["a thread"]
    assert run.progress == (1, None, "")


def test_a_job_may_be_given_as_another_connection_has_it(engine, run):
    job = engine.connect().get(p64(run.job.id))
    with run:
        local.annotate("page", 3)
        assert local.getLiveAnnotation("page", job=job) == 3
        local.setLiveAnnotation("page", 4, job=job)
        assert local.getLiveAnnotation("page", job=run.job) == 4


def test_an_annotation_is_waited_for(engine, make_run):
    one, other = make_run(), make_run()
    threads = Threads()

    def tell():
        with other:
            # So that there is something to wait for when the first look has come.
            stage.wait("looked")
            local.annotate("page", 3)
            stage.wait("read")

    threads.start(tell)
    with one:
        assert local.getLiveAnnotation("page", job=other.job) is None
        stage.event("looked").set()
        job = engine.connect().get(p64(other.job.id))
        found = local.getLiveAnnotation(
            "page", timeout=functions.PATIENCE, poll=0.01, job=job
        )
        stage.event("read").set()
    threads.join()
    assert found == 3


def test_an_annotation_that_does_not_come_is_not_waited_for_any_longer(run):
    with run:
        assert local.getLiveAnnotation("page", 5, timeout=0.05, poll=0) == 5
