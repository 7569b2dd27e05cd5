"""Services with cron jobs: one in no database, and one that has a single job."""

from datetime import datetime
from datetime import UTC
from plone.app.taskqueue import clock
from plone.app.taskqueue.queue.claiming import promote_due
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.place import set_installation
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.tests.service.tasks import echo
from plone.app.taskqueue.tests.service.tasks import provide_task
from plone.app.taskqueue.tests.service.tasks import registry

import pytest
import transaction


MINUTE = 60
HOUR = 3600
DAY = 24 * HOUR
#: Midnight in UTC, a Thursday.
START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


@pytest.fixture
def service():
    clock.freeze(START)
    with registry():
        provide_task("echo", echo)
        service = TaskService()
        yield service
        service._queue.check()
    transaction.abort()
    clock.reset()
    set_installation("")


@pytest.fixture
def times(service):
    """The times at which the task "note" has run, in seconds since START."""
    seen = []
    provide_task("note", lambda input: seen.append(clock.now() - START))
    return seen


def process_until(service, end, step=MINUTE):
    """Let the clock go on, and process what is due at each step."""
    while clock.now() < end:
        service.process()
        clock.advance(step)
    service.process()


def begin_due(service, seconds=0):
    """Let runs begin that are due after so many seconds, and run none of them."""
    clock.advance(seconds)
    promote_due(service._queue)


@pytest.fixture
def hourly(place):
    """The place, whose service has one cron job that is due each hour, and its job."""
    clock.freeze(START)
    with place.manager:
        service = place.service
        get_queues(place.connection).attach(service._queue)
        number = service.addCronJob("echo", crontab="0 * * * *", overlap="queue")
        service._queue.plan()
    place.manager.begin()
    yield place, place.service._queue, service.jobs[number]
    place.manager.begin()
    place.service._queue.check()
