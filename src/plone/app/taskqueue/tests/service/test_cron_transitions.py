"""The transitions of cron jobs by their letters, and two that want the same at once."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import cron
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.claiming import promote_due
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.schedule.crontab import Crontab
from plone.app.taskqueue.schedule.schedule import Schedule
from plone.app.taskqueue.tests.service.crons import HOUR
from plone.app.taskqueue.tests.service.crons import START
from ZODB.POSException import ConflictError

import pytest


def rooms(queue, job):
    return [name for name, room, _ in queue.further_rooms() if room.holds(job.key, job)]


def test_transition_v_plan_gives_a_cron_job_its_next_time(hourly):
    place, queue, job = hourly
    with place.manager:
        transitions.plan(queue, job, START + 5)
    assert job.state is State.SCHEDULED
    assert queue.next_due() == pytest.approx(START + 5, abs=1)
    assert rooms(queue, job) == []


def test_transition_x_tick_makes_a_run_pending_first_in_line(hourly):
    place, queue, job = hourly
    with place.manager:
        plain = place.service.jobs[place.service.add("echo")]
        run = job.new_run(START)
        transitions.tick(queue, job, run, waits=False)
    assert (run.state, run.tick) == (State.PENDING, START)
    assert [each for lane in queue.lanes() for _, each in lane.items()] == [run, plain]
    assert job.state is State.SCHEDULED


def test_transition_x_tick_lets_a_run_wait_and_m_promote_lets_it_go_on(hourly):
    place, queue, job = hourly
    with place.manager:
        run = job.new_run(START)
        transitions.tick(queue, job, run, waits=True)
    assert run.state is State.SCHEDULED
    assert rooms(queue, run) == ["room of runs behind others"]
    with place.manager:
        transitions.go_on(queue, run)
    assert run.state is State.PENDING


def test_transition_z_rest_leaves_a_cron_job_where_no_claim_looks(hourly):
    place, queue, job = hourly
    with place.manager:
        transitions.rest(queue, job, queue.resting)
    assert job.state is State.SCHEDULED
    assert (queue.next_due(), job.scheduledFor) == (None, None)
    assert rooms(queue, job) == ["room of resting cron jobs"]


def test_transition_aa_run_out_completes_a_cron_job(hourly):
    place, queue, job = hourly
    with place.manager:
        transitions.run_out(queue, job)
    assert job.state is State.COMPLETED
    assert list(queue.finished("completed")) == [job]


def test_transition_w_forget_plan_leads_out_of_every_room(hourly):
    place, queue, job = hourly
    for room in (queue.resting, queue.away):
        with place.manager:
            transitions.rest(queue, job, room)
        with place.manager:
            transitions.forget_plan(queue, job)
        assert rooms(queue, job) == ["room of jobs without a plan"]
        with place.manager:
            queue.plan()


# At the same time


@pytest.mark.parametrize("what", ["disable", "run_now", "cancel", "reschedule"])
def test_somebody_changes_a_cron_job_at_the_moment_of_its_time(hourly, what):
    place, _queue, job = hourly
    number = job.id
    clock.freeze(START + HOUR)
    connection = place.engine.connect()
    manager = connection.transaction_manager
    manager.begin()
    promote_due(connection.get(place.service._queue._p_oid))
    with place.manager:
        getattr(place.service, what)(number)
    with pytest.raises(ConflictError):
        manager.commit()
    manager.abort()
    with manager:
        promote_due(connection.get(place.service._queue._p_oid))
    place.manager.begin()
    runs = {"disable": 0, "run_now": 2, "cancel": 0, "reschedule": 1}
    assert len(job.open_runs) == runs[what]


def test_of_two_that_run_it_now_both_do_if_it_queues(hourly):
    place, queue, job = hourly
    connection = place.engine.connect()
    manager = connection.transaction_manager
    manager.begin()
    mine = connection.get(queue._p_oid)
    assert cron.run_now(mine, mine.get(job.id))
    with place.manager:
        assert place.service.run_now(job.id)
    with pytest.raises(ConflictError):
        manager.commit()
    manager.abort()
    with manager:
        assert cron.run_now(mine, mine.get(job.id))
    place.manager.begin()
    assert len(job.open_runs) == 2
    assert len(queue.behind) == 1


def test_of_two_processes_that_meet_a_copy_one_makes_it_its_own(hourly):
    place, queue, _job = hourly
    with place.manager:
        # As an import has it.
        queue._known_as = b"another"
        queue._p_changed = True
    place.connection.cacheMinimize()
    connection = place.engine.connect()
    manager = connection.transaction_manager
    manager.begin()
    mine = connection.get(queue._p_oid)
    assert mine.is_copy
    mine.settle_in()
    with place.manager:
        queue.settle_in()
    with pytest.raises(ConflictError):
        manager.commit()
    manager.abort()
    manager.begin()
    assert not mine.is_copy
    assert mine.name == queue.name
    with place.manager:
        queues = get_queues(place.connection)
        del queues._queues[queue.former_names[0]]


def test_a_run_whose_commit_is_lost_is_not_lost_with_its_time(hourly):
    place, _queue, job = hourly
    clock.freeze(START + HOUR)
    place.manager.begin()
    promote_due(place.service._queue)
    assert len(job.runs) == 1
    place.manager.abort()
    assert (job.runs, job.last) == ((), START)
    with place.manager:
        promote_due(place.service._queue)
    assert [run.tick for run in job.runs] == [START + HOUR]


def test_many_that_are_due_at_the_same_moment_are_planned_without_a_search(
    place, monkeypatch
):
    clock.freeze(START)
    schedule = Schedule(Crontab("0 3 * * *"))
    tried = []
    with place.manager:
        queue = place.service._queue
        for number in range(6_000):
            place.service.addCronJob("echo", number, schedule=schedule)
        room = type(queue.schedule)
        put_back = room._shard

        def count(self, key):
            tried.append(key)
            return put_back(self, key)

        monkeypatch.setattr(room, "_shard", count)
        # As in a process that has just been started, or has seen a thousand times.
        for _ in range(13):
            cron.plan(queue)
            monkeypatch.setattr("plone.app.taskqueue.job.keys._due", {})
        assert len(queue.schedule) == 6_000
        assert len(queue.unplanned) == 0
    assert len(tried) < 6_000 * 30
