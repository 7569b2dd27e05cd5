"""Filing: rows become segments, small segments large ones, and what is gone goes."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.directory import checking
from plone.app.taskqueue.queue.directory import filing
from plone.app.taskqueue.queue.directory import shelves
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.queue.directory.places import ANNA
from plone.app.taskqueue.tests.queue.directory.places import BERT
from plone.app.taskqueue.tests.queue.directory.places import place
from plone.app.taskqueue.tests.queue.directory.test_searching import end
from plone.app.taskqueue.tests.queue.directory.test_searching import found
from plone.app.taskqueue.tests.queue.directory.test_searching import frozen as frozen
from plone.app.taskqueue.tests.queue.directory.test_searching import put
from plone.app.taskqueue.tests.queue.directory.test_searching import settle

import pytest


@pytest.fixture
def tidy(engine):
    """Do all that there is to do; return how many portions that were."""

    def tidy():
        portions = 0
        while True:
            with engine.queue() as queue:
                if not filing.tidy(queue, at_once=True):
                    return portions
            portions += 1

    return tidy


def put_many(engine, count, owner=ANNA):
    """Queue so many jobs in one transaction and return their ids."""
    jobs = []
    with engine.queue() as queue:
        for _ in range(count):
            jobs.append(AsyncJob(functions.nothing))
            jobs[-1].surroundings = place(owner=owner)
            queue.put(jobs[-1], ())
    return [job.id for job in jobs]


def sizes(engine):
    """Return how many rows the segments of the lane without quotas have."""
    return engine.read(
        lambda queue: sorted(
            segment.count for _, segment in queue.lane(()).directory.segments()
        )
    )


def unfiled(engine):
    return engine.read(lambda queue: len(list(queue.lane(()).directory.written())))


def end_and_settle(engine, limit=128):
    held = engine.hold(limit)
    end(held)
    settle(held)


def ended_sizes(engine):
    def ask(queue):
        shelf = queue.history(State.COMPLETED).shelf
        return [segment.count for _, segment in shelves.segments_on(shelf)]

    return sorted(engine.read(ask))


def test_few_rows_are_left_where_they_are_and_nothing_is_written(engine, tidy):
    put_many(engine, filing.FILE_ONE_AT - 1)
    end_and_settle(engine, 3)
    before = engine.last_transaction()
    assert tidy() == 0
    assert engine.last_transaction() == before


def test_rows_are_filed_if_they_are_many_in_all_shards(engine, tidy):
    while unfiled(engine) < filing.FILE_AT:
        put(engine)
    assert tidy() == 1
    assert sizes(engine) == [filing.FILE_AT]


def test_many_rows_become_a_segment(engine, tidy):
    ids = put_many(engine, filing.FILE_AT)
    assert tidy() == 1
    assert (sizes(engine), unfiled(engine)) == ([64], 0)
    assert found(engine, "pending", owner=ANNA, newest_first=False) == ids
    assert found(engine, "pending", owner=BERT) == []


def test_rows_of_jobs_that_have_left_are_not_filed(engine, tidy):
    ids = put_many(engine, filing.FILE_AT)
    engine.hold(60)
    tidy()
    assert sizes(engine) == [4]
    assert found(engine, "pending", owner=ANNA, newest_first=False) == ids[60:]


def test_a_job_that_comes_back_after_its_row_was_filed_is_found_once(engine, tidy):
    ids = put_many(engine, filing.FILE_AT)
    tidy()
    held = engine.hold()
    assert found(engine, "pending", owner=ANNA) == []
    with held.manager:
        settling.give_back(held.queue, held.lease)
    assert (sizes(engine), unfiled(engine)) == ([64], 64)
    assert found(engine, "pending", owner=ANNA, newest_first=False) == ids
    tidy()
    assert found(engine, "pending", owner=ANNA) == ids[::-1]


def test_rows_are_filed_in_portions(engine, tidy, monkeypatch):
    monkeypatch.setattr(filing, "LARGEST", 100)
    ids = put_many(engine, 264)
    assert tidy() == 3
    assert sizes(engine) == [64, 100, 100]
    assert found(engine, "pending", owner=ANNA, newest_first=False) == ids


def test_many_small_segments_become_one(engine, tidy):
    ids = []
    for number in range(shelves.MANY):
        ids += put_many(engine, filing.FILE_AT, (ANNA, BERT)[number % 2])
        tidy()
    assert sizes(engine) == [shelves.MANY * filing.FILE_AT]
    halves = [
        found(engine, "pending", owner=owner, newest_first=False)
        for owner in (ANNA, BERT)
    ]
    assert sorted(halves[0] + halves[1]) == sorted(ids)
    assert halves[0][:64] == ids[:64] and halves[1][:64] == ids[64:128]


def test_a_segment_has_no_more_rows_than_one_may(engine, tidy, monkeypatch):
    monkeypatch.setattr(shelves, "LARGEST", 150)
    monkeypatch.setattr(shelves, "MANY", 3)
    monkeypatch.setattr(shelves, "_SIZES", (70, 75))
    for _ in range(9):
        put_many(engine, filing.FILE_AT)
        tidy()
    assert sum(sizes(engine)) == 9 * filing.FILE_AT
    assert max(sizes(engine)) <= 150


def test_rows_of_jobs_that_have_left_are_dropped_by_and_by(engine, tidy, monkeypatch):
    monkeypatch.setattr(filing, "SPARE", 50)
    ids = put_many(engine, 200)
    tidy()
    engine.hold(100)
    assert tidy() == 0, "as many rows are dead as may be"
    engine.hold(60)
    assert tidy() == 1
    assert sizes(engine) == [40]
    assert found(engine, "pending", owner=ANNA, newest_first=False) == ids[160:]


def test_a_room_that_was_emptied_has_no_segments_in_the_end(engine, tidy, monkeypatch):
    monkeypatch.setattr(filing, "SPARE", 50)
    put_many(engine, 100)
    tidy()
    engine.hold()
    assert tidy() == 1
    assert sizes(engine) == []


def test_what_ends_in_small_portions_is_brought_together(engine, tidy):
    ids = put_many(engine, 2 * shelves.MANY)
    for _ in range(shelves.MANY):
        end_and_settle(engine, 2)
    assert ended_sizes(engine) == [2] * shelves.MANY
    assert tidy()
    assert ended_sizes(engine) == [2 * shelves.MANY]
    assert found(engine, "completed", owner=ANNA, newest_first=False) == ids


def test_the_rows_of_hours_that_were_forgotten_go_with_them(engine, tidy):
    put_many(engine, 4)
    end_and_settle(engine, 2)
    clock.freeze(clock.now() + 3 * 3600)
    end_and_settle(engine, 2)
    kept = found(engine, "completed", owner=ANNA)[:2]
    assert tidy() == 0
    with engine.queue() as queue:
        assert queue.prune(clock.now() - 3600) == 2
    assert tidy() == 1
    assert ended_sizes(engine) == [2]
    assert found(engine, "completed", owner=ANNA) == kept
    with engine.queue() as queue:
        assert queue.prune(clock.now() + 3 * 3600) == 2
    assert tidy() == 1
    assert ended_sizes(engine) == []


def test_rows_of_jobs_that_were_forgotten_are_dropped(engine, tidy, monkeypatch):
    monkeypatch.setattr(filing, "SPARE", 1)
    ids = put_many(engine, 8)
    end_and_settle(engine)
    with engine.queue() as queue:
        for job in list(queue.search(["completed"]))[:7]:
            transitions.discard_ended(queue, job)
    assert found(engine, "completed", owner=ANNA) == ids[:1]
    assert tidy() == 1
    assert ended_sizes(engine) == [1]
    assert found(engine, "completed", owner=ANNA) == ids[:1]


# Databases without a directory


@pytest.fixture
def old(engine):
    """Make a queue as it was before there were directories: jobs of which none is known."""
    waiting = [put(engine, place(owner=owner)) for owner in (ANNA, BERT, ANNA)]
    end_and_settle(engine)
    ended = waiting
    waiting = [put(engine, place(owner=owner)) for owner in (ANNA, BERT, ANNA)]
    with engine.queue() as queue:
        for room in (*queue.lanes(), queue.schedule, queue.waiting):
            del room.directory
        for state in (State.COMPLETED, State.FAILED, State.CANCELLED):
            del queue.history(state).shelf
    return waiting, ended


def is_complete(engine):
    def ask(queue):
        room = queue.lane(())
        return room.directory is not None and (
            room.directory.is_complete and queue.history(State.COMPLETED).is_complete
        )

    return engine.read(ask)


@pytest.mark.parametrize("portion", [1, 2, 3, 100])
def test_the_jobs_of_an_old_database_are_found_at_any_time(
    engine, old, tidy, monkeypatch, portion
):
    monkeypatch.setattr(filing, "WALKED", portion)
    waiting, ended = old

    def look():
        assert found(engine, "pending", owner=ANNA) == [*new, waiting[2], waiting[0]]
        assert found(engine, "completed", owner=ANNA) == [ended[2], ended[0]]

    new = []
    look()
    assert tidy() > 0
    look()
    # Who was slow to see that there is a directory queues a job without a row.
    with engine.queue() as queue:
        late = AsyncJob(functions.nothing)
        late.surroundings = place()
        lane = queue.lane(())
        directory, lane.directory = lane.directory, None
        queue.put(late, ())
        lane.directory = directory
    new = [late.id]
    look()
    assert not is_complete(engine)
    clock.freeze(clock.now() + filing.GRACE + 1)
    while not is_complete(engine):
        with engine.queue() as queue:
            assert filing.tidy(queue, at_once=True)
        look()
    tidy()
    assert tidy() == 0
    look()


def test_what_ends_while_an_old_hour_is_walked_is_found(engine, old, monkeypatch):
    monkeypatch.setattr(filing, "WALKED", 1)
    _, ended = old
    with engine.queue() as queue:
        filing.walk_history(queue.history(State.COMPLETED))
    held = engine.hold()
    waiting = held.ids
    end(held)
    settle(held)
    with engine.queue() as queue:
        while filing.walk_history(queue.history(State.COMPLETED)):
            pass
    assert is_complete_history(engine)
    expected = [waiting[2], waiting[0], ended[2], ended[0]]
    assert found(engine, "completed", owner=ANNA) == expected


def is_complete_history(engine):
    return engine.read(lambda queue: queue.history(State.COMPLETED).is_complete)


def put_unseen(engine, count):
    """Queue so many in a transaction that is still to be committed; return its manager."""
    connection = engine.connect()
    connection.transaction_manager.begin()
    queue = get_queues(connection)[""]
    for _ in range(count):
        queue.put(AsyncJob(functions.nothing), ())
    return connection.transaction_manager


def file_as_workers_do(engine):
    """Return how many portions were filed."""
    portions = 0
    while True:
        with engine.queue() as queue:
            if not filing.tidy(queue):
                return portions
        portions += 1


@pytest.mark.parametrize(
    "count, rest", [(2_000, filing.REST), (filing.MANY, filing.SHORT_REST)]
)
def test_who_queues_thousands_at_once_never_meets_the_filer(engine, count, rest):
    put_unseen(engine, count).commit()
    meanwhile = put_unseen(engine, 2_000)
    assert file_as_workers_do(engine) == 1
    meanwhile.commit()
    after = put_unseen(engine, 2_000)
    clock.advance(rest - 1)
    assert file_as_workers_do(engine) == 0
    clock.advance(1)
    assert file_as_workers_do(engine)
    after.commit()
    assert sum(sizes(engine)) == count + 2_000
    name = f"{functions.__name__}:nothing"
    assert len(found(engine, "pending", function=name)) == count + 4_000
    assert file_as_workers_do(engine) == 1
    clock.advance(filing.REST)
    assert file_as_workers_do(engine)
    assert sum(sizes(engine)) == count + 4_000


def test_a_clock_that_was_set_back_keeps_nothing_from_being_filed(engine):
    put_many(engine, filing.FILE_AT)
    assert file_as_workers_do(engine) == 1
    clock.advance(-3600)
    assert file_as_workers_do(engine) == 1
    assert sizes(engine) == [filing.FILE_AT]


# Verifying


def test_a_check_finds_a_job_without_its_row(engine):
    job_id = put(engine)
    engine.damaged = True
    with engine.queue() as queue:
        directory = queue.lane(()).directory
        for journal in directory.journals:
            journal.clear()
    problems = engine.read(lambda queue: list(checking.directory_problems(queue)))
    assert problems == [f"job {job_id} in lane () is not in its directory"]


def test_a_check_finds_a_row_that_says_something_else(engine):
    job_id = put(engine)
    engine.damaged = True
    with engine.queue() as queue:
        get_queues(queue._p_jar)
        queue.get(job_id).surroundings = place(owner=BERT)
    problems = engine.read(lambda queue: list(checking.directory_problems(queue)))
    assert problems == [f"job {job_id} in lane () is not what its directory says"]
