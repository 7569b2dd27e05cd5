"""What a queue offers to those who use it."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.interfaces import IQueue
from plone.app.taskqueue.interfaces import IQueues
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue.container import find_queues
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.container import queue_connection
from plone.app.taskqueue.queue.place import set_database_name
from plone.app.taskqueue.tests import functions
from ZODB.DB import DB
from ZODB.MappingStorage import MappingStorage
from zope.interface.verify import verifyObject

import pytest
import transaction


def ids(queue):
    return [job.id for job in queue]


def test_queue_and_queues_offer_what_the_interfaces_say(engine):
    queues = get_queues(engine.connect())
    assert verifyObject(IQueues, queues)
    assert verifyObject(IQueue, queues[""])
    assert repr(queues[""]).endswith(", ''>")


def test_an_abort_queues_nothing(engine):
    connection = engine.connect()
    get_queues(connection)[""].put(AsyncJob(functions.nothing))
    connection.transaction_manager.abort()
    assert engine.counts() == {}
    assert engine.run() == 0


def test_a_savepoint_rollback_queues_nothing_that_came_after_it(engine):
    connection = engine.connect()
    queue = get_queues(connection)[""]
    with connection.transaction_manager as txn:
        queue.put(AsyncJob(functions.effect, "job 1"), ())
        savepoint = txn.savepoint()
        queue.put(AsyncJob(functions.effect, "job 2"), ())
        savepoint.rollback()
        queue.put(AsyncJob(functions.effect, "job 3"), ())
    assert engine.counts() == {"pending": 2}
    engine.run()
    assert [engine.times(f"job {n}") for n in (1, 2, 3)] == [1, 0, 1]


def test_a_job_in_a_transaction_that_fails_to_commit_is_not_queued(engine):
    connection = engine.connect()
    get_queues(connection)[""].put(AsyncJob(functions.nothing))
    refuser = functions.Refuser("tpc_vote", OSError("no"))
    connection.transaction_manager.get().join(refuser)
    with pytest.raises(OSError):
        connection.transaction_manager.commit()
    connection.transaction_manager.abort()
    assert engine.counts() == {}


def test_a_job_that_was_lost_with_a_commit_says_so_when_it_is_queued_again(engine):
    connection = engine.connect()
    queue = get_queues(connection)[""]
    job = queue.put(AsyncJob(functions.nothing))
    # The database has the job's data by now, and its connection keeps no copy.
    refuser = functions.Refuser("commit", OSError("no"))
    connection.transaction_manager.get().join(refuser)
    with pytest.raises(OSError):
        connection.transaction_manager.commit()
    connection.transaction_manager.abort()
    with pytest.raises(ValueError, match="Make another one"):
        queue.put(job)
    assert engine.counts() == {}


def test_only_a_new_job_can_be_put(engine):
    with engine.queue() as queue:
        job = queue.put(AsyncJob(functions.nothing))
        with pytest.raises(ValueError, match="already-assigned"):
            queue.put(job)
        with pytest.raises(TypeError, match="Only an AsyncJob"):
            queue.put(functions.nothing)


def test_quota_names_are_several_names_and_known(engine):
    with engine.queue() as queue:
        with pytest.raises(TypeError, match="iterable of names"):
            queue.put(AsyncJob(functions.nothing), "default")
        with pytest.raises(ValueError, match="unknown quota name"):
            queue.put(AsyncJob(functions.nothing), ["default", "nowhere"])
        job = queue.put(AsyncJob(functions.nothing), ["default", "default"])
        assert job.quota_names == ("default",)
    assert engine.counts() == {"pending": 1}


def test_a_queue_is_a_sequence_of_its_pending_jobs_across_all_lanes(engine):
    with engine.queue() as queue:
        queue.quotas.create("other", 2)
        lanes = [(), ("default",), ("other",), ("default", "other")]
        jobs = [
            queue.put(AsyncJob(functions.nothing), lanes[number % 4])
            for number in range(20)
        ]
        assert len(queue) == 20 and queue
        assert ids(queue) == [job.id for job in jobs]
        assert queue[0] is jobs[0] and queue[7] is jobs[7] and queue[-1] is jobs[-1]
        for index in (20, -21):
            with pytest.raises(IndexError):
                queue[index]


def test_jobs_of_several_transactions_stay_in_their_order(engine):
    made = [engine.put(functions.nothing) for _ in range(40)]
    assert engine.read(ids) == made


def test_pull_takes_any_pending_job_out(engine):
    made = engine.put_all(functions.nothing, [()] * 4)
    with engine.queue() as queue:
        assert queue.pull(1).id == made[1]
        assert queue.pull(-1).id == made[3]
        assert ids(queue) == [made[0], made[2]]
        with pytest.raises(IndexError):
            queue.pull(2)
    assert engine.counts() == {"pending": 2}


def test_remove_takes_this_job_out_and_no_other(engine):
    first, second = engine.put_all(functions.nothing, [()] * 2)
    engine.claim(*(lambda c: (c, engine.register(c)))(engine.connect()), 1)
    with engine.queue() as queue:
        job = queue.get(second)
        queue.remove(job)
        assert job.state is State.NEW
        for other in (job, queue.get(first), AsyncJob(functions.nothing)):
            with pytest.raises(LookupError):
                queue.remove(other)
    assert engine.counts() == {"leased": 1}


def test_get_finds_a_job_in_every_state_and_no_foreign_one(engine):
    pending = engine.put(functions.nothing)
    held = engine.hold()
    leased, pending = pending, engine.put(functions.nothing)
    other = engine.put(functions.nothing, name="other")
    with engine.queue() as queue:
        cancelled = queue.put(AsyncJob(functions.nothing))
        queue.cancel(cancelled)
        pulled = queue.put(AsyncJob(functions.nothing), ())
        queue.remove(pulled)
    with engine.queue() as queue:
        for job_id in (pending, leased, cancelled.id):
            assert queue.get(job_id).id == job_id
        effects = queue._p_jar.root()["effects"]._p_oid
        for job_id in (other, pulled.id, int.from_bytes(effects), 1 << 40):
            assert queue.get(job_id) is None
            assert queue.get(job_id, "none") == "none"
    assert held.ids == [leased]


@pytest.mark.parametrize("job_id", [-1, 1 << 64, None, "1"])
def test_get_of_what_is_no_id_is_the_default(engine, job_id):
    assert engine.read(lambda queue: queue.get(job_id, "none")) == "none"


def test_get_finds_jobs_that_ended_in_a_lease_and_in_the_history(engine):
    job_id = engine.put(functions.nothing)
    dispatcher = engine.dispatcher()
    engine.wait_for(job_id)
    assert engine.read(lambda queue: queue.get(job_id)) is not None
    assert engine.read(lambda queue: len(queue.history(State.COMPLETED))) == 0
    dispatcher.stop()
    assert engine.read(lambda queue: queue.get(job_id)) is not None
    assert engine.read(lambda queue: len(queue.history(State.COMPLETED))) == 1


def test_cancel_of_a_job_that_has_ended_or_is_elsewhere_is_a_value_error(engine):
    done = engine.put(functions.nothing)
    engine.run()
    other = engine.put(functions.nothing, name="other")
    with engine.queue() as queue:
        connection = queue._p_jar
        elsewhere = get_queues(connection)["other"].get(other)
        for job in (queue.get(done), elsewhere, AsyncJob(functions.nothing)):
            with pytest.raises(ValueError, match="cannot be cancelled"):
                queue.cancel(job)


def test_a_cancellation_can_be_asked_for_twice(engine):
    job_id = engine.put(functions.nothing)
    engine.hold()
    for _ in range(2):
        with engine.queue() as queue:
            assert queue.cancel(queue.get(job_id)) is False


def test_counts_name_every_state_a_queue_can_tell(engine):
    assert engine.read(lambda queue: queue.counts()) == dict.fromkeys(
        (
            State.SCHEDULED,
            State.PENDING,
            State.LEASED,
            State.WAITING,
            State.COMPLETED,
            State.FAILED,
            State.CANCELLED,
        ),
        0,
    )


def test_finished_jobs_come_newest_first_from_leases_and_history(engine):
    made = []
    for number in range(3):
        clock.freeze(1_600_000_000 + 5000 * number)
        made.append(engine.put(functions.nothing))
        engine.run()
    # This one stays in its worker's lease.
    clock.freeze(1_600_020_000)
    made.append(engine.put(functions.nothing))
    engine.dispatcher()
    engine.wait_for(made[-1])

    def found(**span):
        return [job.id for job in engine.finished(State.COMPLETED, **span)]

    assert found() == made[::-1]
    assert found(start=1_600_005_000) == made[:0:-1]
    assert found(stop=1_600_005_000) == made[1::-1]
    assert found(start=1_600_005_000, stop=1_600_010_000) == [made[2], made[1]]
    assert found(start=1_600_010_001, stop=1_600_019_999) == []
    assert found(stop=1_599_999_999) == []


def test_jobs_that_ended_in_the_same_instant_are_all_there(engine):
    clock.freeze(1_600_000_000)
    made = engine.put_all(functions.nothing, [()] * 50)
    engine.run()
    found = [job.id for job in engine.finished(State.COMPLETED)]
    assert sorted(found) == made
    assert all(engine.read(lambda q, j=j: q.get(j)) is not None for j in made)


def test_leased_jobs_can_be_listed(engine):
    made = engine.put_all(functions.nothing, [()] * 3)
    engine.hold(2)
    assert [job.id for job in get_queues(engine.connect())[""].leased()] == made[:2]


def test_queues_are_a_mapping_of_names(engine):
    with engine.queue("other") as queue:
        queues = get_queues(queue._p_jar)
        assert list(queues) == list(queues.keys()) == ["", "other"]
        assert len(queues) == 2 and queues
        assert queues["other"] is queue is queues.get("other")
        assert "other" in queues and "none" not in queues
        assert dict(queues.items())["other"] is queue
        assert queues.get("none") is None
        with pytest.raises(KeyError):
            queues["none"]
        with pytest.raises(ValueError, match="already"):
            queues.create("other")
        with pytest.raises(TypeError, match="string"):
            queues.create(1)


def test_looking_for_queues_makes_none():
    db = DB(MappingStorage())
    connection = db.open()
    assert find_queues(connection) is None
    assert list(connection.root()) == []
    db.close()


def test_jobs_of_several_queues_do_not_meet(engine):
    other = engine.put(functions.effect, "job 1", name="other")
    mine = engine.put(functions.effect, "job 2")
    assert engine.read(ids) == [mine]
    assert engine.state(other) is State.PENDING
    assert engine.run() == 2
    assert (engine.times("job 1"), engine.times("job 2")) == (1, 1)


@pytest.fixture
def two_databases():
    databases = {}
    main = DB(MappingStorage(), database_name="main", databases=databases)
    DB(MappingStorage(), database_name="taskqueue", databases=databases)
    yield main
    set_database_name(None)
    transaction.abort()
    for db in databases.values():
        db.close()


def test_queues_may_live_in_a_database_of_their_own(two_databases):
    set_database_name("taskqueue")
    connection = two_databases.open()
    queues = get_queues(connection)
    assert queues._p_jar is connection.get_connection("taskqueue")
    assert list(connection.root()) == []
    queues[""].put(AsyncJob(functions.nothing))
    transaction.commit()
    queues[""].check()
    connection.close()


def test_a_database_that_is_not_there_is_named(two_databases):
    set_database_name("tasks")
    connection = two_databases.open()
    with pytest.raises(KeyError, match=r"no database 'tasks'.*only main, taskqueue"):
        queue_connection(connection)
    connection.close()
