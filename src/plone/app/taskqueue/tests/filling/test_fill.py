"""What the filling leaves is what was asked for, and the queue's own."""

from collections import Counter
from plone.app.taskqueue import clock
from plone.app.taskqueue.job.states import FINAL
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.abandoning import abandon
from plone.app.taskqueue.testing import wait_for_result
from plone.app.taskqueue.tests.filling.fill import fill
from plone.app.taskqueue.tests.filling.work import COMPLAINTS
from plone.app.taskqueue.tests.service.base import OTHER_USER
from plone.app.taskqueue.tests.service.base import ServiceTestCase
from plone.app.testing import TEST_USER_ID

import transaction


DAY = 86_400
USERS = (TEST_USER_ID, OTHER_USER)


class TestFill(ServiceTestCase):
    def setUp(self):
        super().setUp()
        self.dispatcher.pause()
        self.contexts = [self.portal, *self.add("one", "two")]
        transaction.commit()

    def fill(self, count, **options):
        counts = fill(self.portal, USERS, self.contexts, count, **options)
        transaction.begin()
        self.queue.check()
        return counts

    def clear(self):
        abandon(self.queue)
        transaction.commit()

    def ended(self):
        return [job for state in FINAL for job in self.queue.finished(state)]

    def test_ten_jobs_are_in_all_states(self):
        counts = self.fill(10)
        found = {
            state.value: count for state, count in self.queue.counts().items() if count
        }
        self.assertEqual(counts, found)
        names = ("pending", "scheduled", "completed", "failed", "cancelled")
        self.assertEqual(set(found), set(names))

    def test_both_ways_leave_the_same_jobs(self):
        told = []
        for by_engine in (True, False):
            self.clear()
            before = {job.id for job in self.ended()}
            self.fill(300, seed=7, by_engine=by_engine)
            told.append(
                Counter(
                    (
                        job.state,
                        job.function_name,
                        job.args,
                        repr(job.surroundings),
                        told_by(job),
                    )
                    for job in self.ended()
                    if job.id not in before
                )
            )
        self.assertEqual(told[0], told[1])
        self.assertEqual(sum(told[0].values()), 300 - 6 - 3)

    def test_they_are_of_all_kinds_and_of_thirty_days(self):
        for by_engine in (True, False):
            self.clear()
            self.fill(400, by_engine=by_engine, seed=int(by_engine))
        jobs = self.ended()
        self.assertEqual(len({job.function_name for job in jobs}), 4)
        self.assertEqual(len({job.surroundings for job in jobs}), 6)
        messages = {told_by(job) for job in self.queue.finished(State.FAILED)}
        self.assertEqual(messages, set(COMPLAINTS))
        for when in ("created", "finished_seconds"):
            days = {int((clock.now() - seconds_of(job, when)) / DAY) for job in jobs}
            self.assertEqual(days - {-1}, set(range(30)))

    def test_a_queue_in_which_jobs_wait_is_not_filled(self):
        self.fill(10)
        with self.assertRaisesRegex(ValueError, "wait in the queue"):
            self.fill(10)

    def test_a_worker_runs_what_waits(self):
        self.fill(50)
        waiting = [job for lane in self.queue.lanes() for _, job in lane.items()]
        self.assertTrue(waiting)
        self.dispatcher.resume()
        for job in waiting:
            wait_for_result(job)
            self.assertIs(job.state, State.COMPLETED)


def told_by(job):
    if job.state is State.FAILED:
        return job.result.getErrorMessage()
    return repr(job.result)


def seconds_of(job, name):
    value = getattr(job, name)
    return value if isinstance(value, float) else value.timestamp()
