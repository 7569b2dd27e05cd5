"""Jobs that ended, when many ended at the same time."""

from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.job.taskjob import Job
from plone.app.taskqueue.queue.directory import shelves
from plone.app.taskqueue.queue.directory.rows import ended_row
from plone.app.taskqueue.queue.history import History

import pytest


NOON = 1_600_000_200.0


def ended(number, task="echo"):
    job = Job(number, task, None)
    job.ended(NOON)
    job.become(State.COMPLETED)
    return job


@pytest.mark.parametrize("first", range(4))
def test_each_is_found_whichever_goes_first(first):
    # Runs of one cron job have one number, and the next number is another job's.
    jobs = [ended(7, "a"), ended(7, "b"), ended(8, "c"), ended(7, "d")]
    history = History()
    history.add_all(jobs)
    gone = jobs.pop(first)
    history.discard(gone)
    assert gone not in history
    rows = {
        row
        for _, segment in shelves.segments_on(history.shelf)
        for row in segment.rows().items()
    }
    for key, job in history.items():
        assert (-key, ended_row(job)) in rows
    assert all(job in history for job in jobs)
    for job in jobs:
        history.discard(job)
    assert len(history) == 0
    assert list(history.items()) == []
