"""Any sequence of what callers do with a service while a thread runs its jobs."""

from collections import Counter
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st
from plone.app.taskqueue.service import processing
from plone.app.taskqueue.task import TaskError
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.functions import stage
from plone.app.taskqueue.tests.service.tasks import provide_task
from ZODB.POSException import ConflictError


#: What callers do, each in a transaction of its own; the number chooses a job.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            "work work fail refuse later abort process start cancel clean stop begin".split()
        ),
        st.integers(0, 9),
    ),
    min_size=5,
    max_size=25,
)
OPEN = {"queued", "processing", "start later"}


def work(input):
    fate, _ = input
    if fate == "fail":
        raise ValueError("not today")
    if fate == "refuse":
        raise TaskError("never")
    return input


def step(place, what, number, added):
    service = place.service
    numbers = list(service.jobs)
    chosen = numbers[number % len(numbers)] if numbers else None
    if what in ("work", "fail", "refuse", "later", "abort"):
        added.append(service.add("work", (what, len(added)), what == "later"))
    elif what == "process":
        service.processNext()
    elif chosen is not None and what == "start":
        service.startJob(chosen)
    elif chosen is not None and what == "cancel":
        service.cancel(chosen)
    elif what == "clean":
        service.clean(["cancelled"])


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
)
@given(steps=STEPS)
def test_each_job_comes_to_its_end_once_whatever_callers_do(place, steps):
    provide_task("work", work)
    place.now()
    place.service.clean()
    place.manager.commit()
    place.service.startProcessing()
    fates = {}
    for what, number in steps:
        place.now()
        if what == "stop":
            place.service.stopProcessing()
        elif what == "begin":
            place.service.startProcessing()
        added = []
        try:
            step(place, what, number, added)
            if what == "abort":
                place.manager.abort()
            else:
                place.manager.commit()
                fates.update(dict.fromkeys(added, what))
        except (ConflictError, ValueError):
            # The worker was at the same job, or this thread was at one that fails.
            place.manager.abort()
    place.service.startProcessing()
    for number in [each for each, fate in fates.items() if fate == "later"]:
        with place.manager:
            if number in place.service.jobs:
                place.service.startJob(number)

    def ended():
        return all(job.has_ended for job in place.now().jobs.values())

    with stage.changed:
        assert stage.changed.wait_for(ended, PATIENCE)
    statuses = {
        number: place.service.getStatus(number) for number in place.service.jobs
    }
    expected = {"work": "completed", "later": "completed"}
    for number, status in statuses.items():
        assert status in (expected.get(fates[number], "error"), "cancelled")
    assert Counter(place.service._queue.counts())["leased"] == 0
    place.service._queue.check()
    assert processing.find(place.service).stop(PATIENCE)
