"""Jobs of services that are forgotten in their time."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.pruner import Pruner
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests.service.tasks import provide_task
from ZODB.utils import u64

import pytest


START = 1_700_000_040.0
HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def service(place):
    clock.freeze(START)
    with place.manager:
        get_queues(place.connection).attach(place.service._queue)
    return place.service


def prune(place, days=1):
    """Let the pruner run, for jobs that ended so many days ago."""
    pruner = Pruner(days)
    pruner.run(place.engine.connect())
    place.manager.begin()
    return pruner


def fail(input):
    raise ValueError("not today")


def test_a_service_forgets_what_its_queue_forgets(place, service):
    provide_task("fail", fail, retry="plone.app.taskqueue.job.policies:NeverRetry")
    with place.manager:
        for name in ("echo", "fail", "echo"):
            service.add(name)
        service.cancel(service.add("echo"))
        service.process()
        clock.advance(DAY)
        last = service.add("echo")
        waiting = service.add("echo", startLater=True)
        service.processNext(jobid=last)
    prune(place)
    assert len(service.jobs) == 6
    clock.advance(HOUR)
    prune(place)
    assert set(service.jobs) == {last, waiting}
    service._queue.check()


def test_it_does_so_in_portions(place, service):
    with place.manager:
        for number in range(30):
            service.add("echo", number)
        service.process()
    clock.advance(2 * DAY)
    with place.manager:
        assert service._queue.prune(clock.now() - DAY, limit=1) == 10
        assert len(service.jobs) == 20
        service._queue.check()
        assert service._queue.prune(clock.now() - DAY, limit=0) == 0
    prune(place)
    assert len(service.jobs) == 0
    assert service._queue.counts()["completed"] == 0


def test_runs_of_cron_jobs_do_not_gather(place, service):
    with place.manager:
        number = service.addCronJob("echo", crontab="0 * * * *")
        service.process()
    for _ in range(72):
        clock.advance(HOUR)
        with place.manager:
            service.process()
        prune(place)
    assert service._queue.counts()["completed"] <= 26
    assert list(service.jobs) == [number]
    assert service.getStatus(number) == "cronjob"


def test_a_record_that_cannot_be_read_is_forgotten_with_the_others(place, service):
    with place.manager:
        broken, fine = service.add("echo"), service.add("echo")
        service.process()
    clock.advance(2 * DAY)
    oid = service.jobs[broken]._p_oid
    place.manager.abort()
    place.engine.overwrite(u64(oid), b"nonsense")
    place.connection = place.engine.connect()
    place.manager = place.connection.transaction_manager
    prune(place)
    root = place.connection.root()["Application"]
    place.service = root["site"].getSiteManager()["default"]["tasks"]
    assert fine not in place.service.jobs
    assert place.service._queue.counts()["completed"] == 0
