"""Looking for jobs: by state, by whose they are, by what they do and on what."""

from datetime import timedelta
from plone.app.taskqueue import clock
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.queue.directory.places import ANNA
from plone.app.taskqueue.tests.queue.directory.places import BERT
from plone.app.taskqueue.tests.queue.directory.places import known_places
from plone.app.taskqueue.tests.queue.directory.places import OTHER_ANNA
from plone.app.taskqueue.tests.queue.directory.places import place
from plone.app.taskqueue.tests.queue.directory.places import unknown_places

import pytest


START = 1_600_000_000.0
NOTHING = functions.nothing
#: What can be wanted of a job, and what the others are.
FACETS = [
    ("site", "/two", place(site="/two"), place()),
    ("site", "", place(site=""), place()),
    ("owner", BERT, place(owner=BERT), place()),
    ("owner", "bert", place(owner=BERT), place()),
    ("owner", OTHER_ANNA, place(owner=OTHER_ANNA), place()),
    ("owner", "", place(owner=None), place()),
    ("context", "f00", place(uuid="f00"), place(uuid="ba7")),
    ("context", "/one/a", place(path="/one/a"), place(path="/one/b")),
]


@pytest.fixture(autouse=True)
def frozen():
    with known_places():
        clock.freeze(START)
        yield


def put(engine, surroundings=None, function=NOTHING, quotas=(), **options):
    """Queue a job of its own second and return its id."""
    clock.freeze(clock.now() + 1)
    with engine.queue() as queue:
        job = AsyncJob(function)
        job.surroundings = place() if surroundings is None else surroundings
        job.priority = options.pop("priority", 0)
        queue.put(job, quotas, **options)
    return job.id


def found(engine, *states, **wanted):
    return engine.read(lambda queue: [job.id for job in queue.search(states, **wanted)])


def end(held, state=State.COMPLETED, error=None):
    """Let a worker end all that it holds."""
    with held.manager:
        for index, job in held.lease.held_jobs():
            clock.freeze(clock.now() + 1)
            if state is State.COMPLETED:
                transitions.complete(held.lease, index, job, None, clock.now())
            elif state is State.FAILED:
                failure = Failure(error or ValueError("no"))
                transitions.fail(held.lease, index, job, failure, clock.now())
            else:
                transitions.cancel_leased(held.lease, index, job)


def settle(held):
    with held.manager:
        settling.settle(get_queues(held.connection)[""], held.lease)


@pytest.mark.parametrize(("facet", "value", "mine", "other"), FACETS)
def test_a_job_is_found_by_what_it_has_while_it_waits_and_when_it_ended(
    engine, facet, value, mine, other
):
    job_id = put(engine, mine)
    put(engine, other)
    assert found(engine, "pending", **{facet: value}) == [job_id]
    held = engine.hold()
    assert found(engine, "leased", **{facet: value}) == [job_id]
    end(held)
    assert found(engine, "completed", **{facet: value}) == [job_id]
    settle(held)
    assert found(engine, "completed", **{facet: value}) == [job_id]
    assert found(engine, "pending", "leased", "failed", **{facet: value}) == []


def test_all_that_is_wanted_must_fit(engine):
    both = put(engine, place(owner=BERT, path="/one/a"))
    put(engine, place(owner=BERT, path="/one/b"))
    put(engine, place(path="/one/a"))
    assert found(engine, "pending", owner=BERT, context="/one/a") == [both]


def test_a_function_is_looked_for_by_its_name(engine):
    put(engine)
    job_id = put(engine, function=functions.give)
    name = "plone.app.taskqueue.tests.functions:give"
    assert found(engine, "pending", function=name) == [job_id]


def test_a_failed_job_is_found_by_the_exception_it_failed_with(engine):
    put(engine)
    held = engine.hold()
    end(held, State.FAILED, KeyError("gone"))
    job_id = held.queue.finished(State.FAILED).__next__().id
    for _ in range(2):
        assert found(engine, "failed", error="KeyError") == [job_id]
        assert found(engine, "failed", error="other.KeyError") == []
        # Whoever wants a family of errors asks for each of them.
        assert found(engine, "failed", error="LookupError") == []
        assert found(engine, "failed", "completed", error="ValueError") == []
        settle(held)


def test_the_newest_come_first_or_last(engine):
    ids = [put(engine) for _ in range(5)]
    assert found(engine, "pending") == ids[::-1]
    assert found(engine, "pending", newest_first=False) == ids
    held = engine.hold(limit=3)
    assert found(engine, "leased", newest_first=False) == ids[:3]
    end(held)
    settle(held)
    assert found(engine, "completed") == ids[2::-1]
    assert found(engine, "completed", newest_first=False) == ids[:3]
    assert (
        found(engine, "pending", "completed", newest_first=False) == ids[3:] + ids[:3]
    )


def test_jobs_of_several_rooms_and_lanes_are_in_one_order(engine):
    ids = [
        put(engine),
        put(engine, quotas=("default",)),
        put(engine, begin_after=clock.as_datetime(START + 20)),
        put(engine),
    ]
    order = [ids[0], ids[1], ids[3], ids[2]]
    assert found(engine, "pending", "scheduled", newest_first=False) == order
    assert found(engine, "scheduled", "pending") == order[::-1]


def test_priority_counts_as_a_minute(engine):
    first = put(engine)
    second = put(engine, priority=1)
    assert found(engine, "pending", newest_first=False) == [second, first]


def test_only_jobs_of_the_wanted_time_are_found(engine):
    ids = [put(engine) for _ in range(4)]
    span = {"start": START + 2, "stop": START + 3.5}
    assert found(engine, "pending", **span) == [ids[2], ids[1]]
    assert found(engine, "pending", newest_first=False, **span) == ids[1:3]
    held = engine.hold()
    end(held)
    span = {"start": START + 6, "stop": START + 7}
    for _ in range(2):
        assert found(engine, "completed", **span) == [ids[2], ids[1]]
        assert found(engine, "completed", newest_first=False, **span) == ids[1:3]
        settle(held)


def test_what_ended_in_other_hours_is_found_in_order(engine):
    ids = []
    held = None
    for _ in range(3):
        ids.append(put(engine))
        clock.freeze(clock.now() + 3600)
        held = engine.hold()
        end(held)
        settle(held)
    assert found(engine, "completed") == ids[::-1]
    assert found(engine, "completed", newest_first=False) == ids


def test_a_job_that_was_given_back_is_found_once(engine):
    job_id = put(engine)
    held = engine.hold()
    with held.manager:
        settling.give_back(held.queue, held.lease)
    assert found(engine, "pending", owner=ANNA) == [job_id]
    engine.fence(engine.hold().worker_id)
    assert found(engine, "pending", owner=ANNA) == [job_id]


def test_a_job_that_cannot_be_read_is_left_out(engine):
    lost, other = put(engine), put(engine)
    engine.damaged = True
    engine.overwrite(lost, b"nothing")
    assert found(engine, "pending") == [other]
    assert found(engine, "pending", owner=ANNA) == [other]


def test_nobody_looks_for_jobs_in_no_container(engine):
    for state in ("new", "callbacks"):
        with pytest.raises(ValueError, match="are looked for in the states"):
            found(engine, state)
    with pytest.raises(ValueError, match="nonsense"):
        found(engine, "nonsense")


def test_counting_goes_as_far_as_somebody_wants_to_know(engine):
    for owner in (ANNA, BERT, BERT):
        put(engine, place(owner=owner))

    def count(**wanted):
        return engine.read(lambda queue: queue.count(["pending", "failed"], **wanted))

    assert count() == 3
    assert count(limit=2) == 2
    assert count(owner=BERT) == 2
    assert count(owner=BERT, limit=1) == 1
    assert count(start=START + 2) == 2


def test_several_queues_are_searched_in_one_order(engine):
    first = put(engine)
    with engine.queue("other") as queue:
        second = queue.put(AsyncJob(NOTHING), ())
    clock.freeze(clock.now() + 1)
    third = put(engine)

    def ids(**wanted):
        queues = get_queues(engine.connect())
        return [job.id for job in queues.search(["pending"], **wanted)]

    assert ids() == [third, second.id, first]
    assert ids(names=["other", "none"], newest_first=False) == [second.id]
    queues = get_queues(engine.connect())
    assert queues.count(["pending"]) == 3
    assert queues.count(["pending"], names=[""], start=START) == 2


def test_a_job_in_no_time_yet_is_found_where_it_will_be(engine):
    later = put(engine, begin_after=clock.as_datetime(START + 60))
    assert found(engine, "scheduled", owner=ANNA) == [later]
    clock.freeze(START + timedelta(minutes=2).total_seconds())
    engine.hold(limit=0)
    assert found(engine, "pending", owner=ANNA) == [later]


def test_what_a_command_without_zope_does_to_jobs_is_found_with_it(engine):
    waiting, ended = (put(engine, place(owner=BERT)) for _ in range(2))
    with unknown_places():
        with engine.queue() as queue:
            queue.cancel(queue.get(ended))
            again = AsyncJob(NOTHING)
            again.surroundings = place(owner=BERT)
            queue.put(again, ())
        # It compares what it can.
        engine.check()
    engine.check()
    with engine.queue() as queue:
        found = [job.id for job in queue.search(["pending"], owner=BERT)]
        assert found == [again.id, waiting]
        assert [job.id for job in queue.search(["cancelled"], owner=BERT)] == [ended]
        assert not list(queue.search(["pending", "cancelled"], owner=ANNA))
