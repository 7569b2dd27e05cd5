"""Tasks that a process does not have: left to workers of other code, if there are any."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher.code import own_code
from plone.app.taskqueue.dispatcher.code import set_release
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.workers import Worker
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.functions import stage
from plone.app.taskqueue.tests.service.place import place as place
from plone.app.taskqueue.tests.service.tasks import echo
from plone.app.taskqueue.tests.service.tasks import provide_task
from zope.component import getGlobalSiteManager

import pytest


NEW = "new"


@pytest.fixture(autouse=True)
def releases():
    yield
    set_release("")


def without_task():
    getGlobalSiteManager().unregisterUtility(provided=ITask, name=NEW)


def add_new(place, *inputs):
    """Add jobs of a task that this process then does not have any more."""
    provide_task(NEW, echo)
    numbers = [place.add(NEW, each) for each in inputs]
    without_task()
    return numbers


def register(place, code):
    """Let there be another worker, of that code."""
    with place.manager:
        queues = get_queues(place.connection)
        registry.register(queues, Worker("other", "host", 1, 1, clock.now(), code))


def unregister(place):
    with place.manager:
        registry.unregister(get_queues(place.connection), "other")


def wait_until_apart(place, count):
    def look():
        place.manager.begin()
        return place.service._queue.apart() == {f"task:{NEW}": count}

    with stage.changed:
        assert stage.changed.wait_for(look, PATIENCE)


def test_a_job_fails_whose_task_no_code_has(place):
    register(place, own_code())
    [number] = add_new(place, "x")
    place.service.startProcessing()
    place.wait_for_status(number, "error")
    assert place.service.getError(number) == f'Task "{NEW}" not found!'


def test_a_job_is_left_to_workers_of_other_code(place, caplog):
    register(place, "9/feedbeef")
    first, second = add_new(place, "x", "y")
    place.service.startProcessing()
    known = place.add("echo", "known")
    place.wait_for_status(known, "completed")
    wait_until_apart(place, 2)
    assert [place.service.getStatus(each) for each in (first, second)] == ["queued"] * 2
    place.service.stopProcessing()
    place.manager.begin()
    place.service._queue.check()
    # One run is enough to know.
    assert caplog.text.count(f'Task "{NEW}" not found!') == 1
    assert caplog.text.count("is not here, and there are workers of other code") == 1

    provide_task(NEW, echo)
    set_release("newer")
    place.service.startProcessing()
    for number, value in ((first, "x"), (second, "y")):
        place.wait_for_status(number, "completed")
        assert place.service.getResult(number) == value
    assert place.service._queue.apart() == {}
    # It was no failure of the job.
    assert place.service.jobs[first].attempts == ()


def test_it_fails_once_the_other_code_is_gone(place):
    register(place, "9/feedbeef")
    [number] = add_new(place, "x")
    place.service.startProcessing()
    wait_until_apart(place, 1)
    place.service.stopProcessing()
    unregister(place)
    place.service.startProcessing()
    place.wait_for_status(number, "error")


def test_what_waits_for_other_code_can_be_cancelled(place):
    register(place, "9/feedbeef")
    [number] = add_new(place, "x")
    place.service.startProcessing()
    wait_until_apart(place, 1)
    with place.manager:
        place.service.cancel(number)
    place.manager.begin()
    assert place.service.getStatus(number) == "cancelled"
    assert place.service._queue.apart() == {}
    place.service._queue.check()


def test_whoever_has_the_task_runs_such_a_job_in_the_own_thread(place):
    register(place, "9/feedbeef")
    first, second = add_new(place, "x", "y")
    place.service.startProcessing()
    wait_until_apart(place, 2)
    place.service.stopProcessing()
    provide_task(NEW, echo)
    for number in (second, first):
        with place.manager:
            assert place.service.processNext(jobid=number)
    place.manager.begin()
    assert [place.service.getResult(each) for each in (first, second)] == ["x", "y"]
    place.service._queue.check()


def test_code_differs_by_its_release():
    plain = own_code()
    set_release("abc")
    assert own_code() != plain
    assert own_code().partition("/")[0] == plain.partition("/")[0]


def test_the_record_of_an_older_worker_can_be_read():
    worker = Worker("id", "host", 1, 2, 3.0)
    old = Worker.__new__(Worker)
    old.__setstate__(worker.__getstate__()[:7])
    assert (old.id, old.threads, old.code, old.told) == ("id", 2, "", None)
    assert Worker.__getstate__(old)[:7] == worker.__getstate__()[:7]
