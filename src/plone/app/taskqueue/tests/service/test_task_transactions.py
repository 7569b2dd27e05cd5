"""What becomes of a service's jobs with the transactions in which they are touched."""

from persistent.mapping import PersistentMapping
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.task import TaskError
from plone.app.taskqueue.testing import ITaskStub
from plone.app.taskqueue.testing import TaskServiceStub
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.service.tasks import echo
from plone.app.taskqueue.tests.service.tasks import provide_task
from plone.app.taskqueue.tests.service.tasks import registry
from ZODB.POSException import ConflictError
from ZODB.utils import u64

import itertools
import pytest
import transaction


class Store:
    """A connection with a committed service, its transactions, and a place to write."""

    def __init__(self, engine):
        self.connection = engine.connect()
        self.manager = self.connection.transaction_manager
        self.manager.begin()
        root = self.connection.root()
        self.service = root["service"] = TaskService()
        self.place = root["place"] = PersistentMapping()
        get_queues(self.connection).attach(self.service._queue)
        self.manager.commit()

    def add(self, *args, **kwargs):
        number = self.service.add(*args, **kwargs)
        self.manager.commit()
        return number

    def write(self, input):
        self.place[input] = self.place.get(input, 0) + 1

    def write_and_fail(self, input):
        self.write(input)
        raise ValueError("not today")

    def write_and_refuse(self, input):
        self.write(input)
        raise TaskError("never")


@pytest.fixture
def store(engine):
    with registry():
        store = Store(engine)
        provide_task("echo", echo)
        for name in ("write", "write_and_fail", "write_and_refuse"):
            provide_task(name, getattr(store, name))
        yield store
        store.manager.abort()


def test_a_job_is_there_if_its_transaction_commits_and_only_then(engine, store):
    number = store.service.add("echo", 1)
    job = store.service.jobs[number]
    other = engine.connect().root()["service"]
    assert number not in other.jobs
    store.manager.abort()
    assert number not in store.service.jobs
    assert job.status is None
    number = store.add("echo", 1)
    assert engine.connect().root()["service"].getStatus(number) == "queued"


def test_a_job_that_was_undone_by_a_savepoint_is_gone(store):
    savepoint = store.manager.savepoint()
    number = store.service.add("echo", 1)
    savepoint.rollback()
    assert number not in store.service.jobs
    assert store.service.processNext() is False


def test_what_was_processed_is_undone_with_the_callers_transaction(engine, store):
    number = store.add("write", "it")
    store.service.process()
    assert store.service.getStatus(number) == "completed"
    assert store.place["it"] == 1
    store.manager.abort()
    assert store.service.getStatus(number) == "queued"
    assert "it" not in store.place
    store.service.process()
    store.manager.commit()
    fresh = engine.connect().root()
    assert fresh["service"].getStatus(number) == "completed"
    assert fresh["place"]["it"] == 1


def test_what_was_processed_leaves_no_lease_and_holds_no_quota(engine, store):
    store.add("echo")
    store.service.process()
    store.manager.commit()
    queue = engine.connect().root()["service"]._queue
    assert len(queue.leases) == 0
    assert queue.quotas["default"]._holders == ()
    queue.check()


def test_the_work_of_a_job_that_failed_is_undone_and_that_of_others_is_kept(store):
    store.add("write", "before")
    number = store.add("write_and_refuse", "failed")
    store.add("write", "after")
    store.service.process()
    store.manager.commit()
    assert dict(store.place) == {"before": 1, "after": 1}
    assert store.service.getError(number) == "never"


def test_the_work_of_a_job_that_is_tried_again_is_undone_too(store):
    store.service.add("write", "before")
    number = store.add("write_and_fail", "failed")
    for _ in range(3):
        with pytest.raises(ValueError, match="not today"):
            store.service.process()
        store.manager.commit()
    store.service.process()
    store.manager.commit()
    assert dict(store.place) == {"before": 1}
    assert store.service.getStatus(number) == "error"


def test_who_adds_jobs_at_the_same_time_does_not_write_the_same_records(engine, store):
    other = engine.connect()
    numbers = itertools.count()
    for _ in range(300):
        for connection in (store.connection, other):
            connection.transaction_manager.begin()
        for connection in (store.connection, other):
            number = next(numbers)
            connection.root()["service"].jobs[number] = None
        # Trees that are split do not merge.
        for connection in (store.connection, other):
            connection.transaction_manager.commit()
    store.manager.begin()
    assert list(store.service.jobs) == list(range(600))


def test_jobs_whose_records_are_broken_are_errors_and_can_be_cleaned_away(
    engine, store
):
    numbers = [store.service.add("echo", number) for number in range(3)]
    store.service.processNext()
    store.manager.commit()
    oids = [u64(store.service.jobs[each]._p_oid) for each in numbers[:2]]
    store.manager.abort()
    for oid in oids:
        engine.overwrite(oid, b"garbage")
    connection = engine.connect()
    service = connection.root()["service"]
    for number in numbers[:2]:
        service.cancel(number)
        assert service.getStatus(number) == "error"
        assert service.getResult(number) is None
        assert f"job {number} cannot be read" in service.getError(number)
        assert service.processNext(jobid=number) is False
        assert service.startJob(number) is False
        for name in ("reschedule", "enable", "disable", "run_now", "describe"):
            with pytest.raises(ValueError, match=f"job {number} cannot be read"):
                getattr(service, name)(number)
    with connection.transaction_manager:
        service.process()
        assert service.getStatus(numbers[2]) == "completed"
        service.clean()
        assert dict(service.jobs) == {}
    engine.damaged = True


def test_of_two_who_process_one_job_only_one_commits(engine, store):
    store.add("write", "it")
    other = engine.connect()
    service = other.root()["service"]
    for each in (store.service, service):
        assert each.processNext() is True
    other.transaction_manager.commit()
    with pytest.raises(ConflictError):
        store.manager.commit()
    store.manager.abort()
    assert store.service.processNext() is False


def test_there_is_nothing_to_do_for_others_while_a_worker_has_a_job(engine, store):
    store.add("echo")
    store.add("echo")
    worker_id = engine.register(store.connection)
    with store.manager:
        assert claim_next(store.service._queue, worker_id, 0, 1, lambda *job: False)
    assert store.service.hasJobsWaiting() is False
    assert store.service.processNext() is False


def test_asking_whether_there_is_something_to_do_writes_nothing(engine, store):
    store.service.addCronJob("echo", minute=(0,))
    store.service.addCronJob("echo", delay=5)
    store.service.process(0)
    store.add("echo")
    before = engine.storage.lastTransaction()
    for now in (None, 0, 10_000_000):
        assert store.service.hasJobsWaiting(now)
    store.manager.commit()
    assert engine.storage.lastTransaction() == before


def test_attempts_are_counted_although_the_caller_aborts(store):
    number = store.add("write_and_fail", "it")
    for _ in range(3):
        with pytest.raises(ValueError, match="not today"):
            store.service.processNext()
        store.manager.abort()
    assert store.service.processNext() is True
    store.manager.commit()
    assert store.service.getStatus(number) == "error"
    assert "it" not in store.place


def test_attempts_of_a_cron_jobs_run_are_counted_although_the_caller_aborts(store):
    number = store.service.addCronJob("write_and_fail", "it", minute=(0,))
    store.service.process(0)
    store.manager.commit()
    for hour in (1, 2):
        for _ in range(3):
            with pytest.raises(ValueError, match="not today"):
                store.service.process(hour * 3600)
            store.manager.abort()
        store.service.process(hour * 3600)
        store.manager.commit()
        assert store.service.getError(number) == "not today"
    assert "it" not in store.place
    store.service._queue.check()


def test_a_job_whose_retry_policy_is_gone_ends_with_its_error(store):
    number = store.add("write_and_fail", "it")
    store.service.jobs[number].set_extra("retry", f"{functions.__name__}:Vanished")
    store.service.process()
    assert store.service.getError(number) == "not today"


def test_a_conflict_is_raised_however_often_it_comes(store):
    def conflict(input):
        raise ConflictError

    provide_task("conflict", conflict)
    number = store.add("conflict")
    for _ in range(6):
        with pytest.raises(ConflictError):
            store.service.processNext()
        assert store.service.getStatus(number) == "queued"
        store.manager.abort()


def test_a_task_may_commit_by_itself(store):
    def commit(input):
        store.write("first")
        store.manager.commit()
        store.write("second")

    provide_task("commit", commit)
    number = store.add("commit")
    store.service.process()
    store.manager.commit()
    assert store.service.getStatus(number) == "completed"
    assert dict(store.place) == {"first": 1, "second": 1}
    assert len(store.service._queue.leases) == 0


def test_a_task_may_abort_by_itself(store):
    def abort(input):
        store.write("undone")
        store.manager.abort()

    provide_task("abort", abort)
    number = store.add("abort")
    store.service.process()
    store.manager.commit()
    assert store.service.getStatus(number) == "completed"
    assert "undone" not in store.place
    store.service._queue.check()


def test_a_task_that_dooms_the_transaction_leaves_the_job_where_it_was(store):
    provide_task("doom", lambda input: store.manager.doom())
    number = store.add("doom")
    with pytest.raises(Exception, match="doomed"):
        store.service.processNext()
    store.manager.abort()
    assert store.service.getStatus(number) == "queued"


def test_a_service_is_stored_with_the_jobs_that_it_had_before(engine):
    with registry():
        provide_task("echo", echo)
        service = TaskService()
        ended = service.add("echo", 1)
        service.process()
        queued = service.add("echo", 2)
        held = service.add("echo", 3, startLater=True)
        cron = service.addCronJob("echo", 4, minute=(0,))
        connection = engine.connect()
        with connection.transaction_manager:
            connection.root()["service"] = service
        fresh = engine.connect().root()["service"]
        assert [fresh.getStatus(each) for each in (ended, queued, held, cron)] == [
            "completed",
            "queued",
            "start later",
            "cronjob",
        ]
        fresh.process(0)
        fresh.process(3600)
        assert [fresh.getResult(each) for each in (ended, queued, cron)] == [1, 2, 4]


def test_what_is_cleaned_away_is_in_no_history_any_more(engine, store):
    number = store.add("echo")
    store.service.process()
    store.manager.commit()
    store.service.clean()
    store.manager.commit()
    queue = store.service._queue
    assert number not in store.service.jobs
    assert not any(count for count in queue.counts().values())
    queue.check()


def test_a_queue_with_jobs_in_all_rooms_is_consistent(store):
    store.service.add("echo")
    store.service.add("echo", startLater=True)
    store.service.addCronJob("echo", delay=10)
    store.service.process(0)
    store.service.addCronJob("echo", minute=(0,))
    store.service.add("echo")
    store.manager.commit()
    store.service._queue.check()
    counts = store.service._queue.counts()
    assert {state.value: count for state, count in counts.items() if count} == {
        "completed": 1,
        "held": 1,
        "pending": 1,
        "scheduled": 2,
    }


def test_a_stub_in_no_database_forgets_what_its_caller_undoes():
    stub = TaskServiceStub()
    with registry():
        provide_task("echo", echo, provided=ITaskStub)
        transaction.begin()
        kept = stub.add("echo", 1)
        transaction.commit()
        undone = stub.add("echo", 2)
        job = stub.jobs[undone]
        stub.cancel(kept)
        transaction.abort()
        assert job.status is None
        assert list(stub.jobs) == [kept]
        assert stub.getStatus(kept) == "queued"
        savepoint = transaction.savepoint()
        stub.process()
        assert stub.getStatus(kept) == "completed"
        savepoint.rollback()
        assert stub.getStatus(kept) == "queued"
        stub.process()
        transaction.commit()
        transaction.abort()
        assert stub.getResult(kept) == 1
        stub._queue.check()


def test_a_stub_that_a_savepoint_has_stored_forgets_what_its_caller_undoes(engine):
    stub = TaskServiceStub()
    manager = transaction.manager
    with registry():
        provide_task("echo", echo, provided=ITaskStub)
        connection = engine.db.open(manager)
        try:
            manager.begin()
            connection.root()["stub"] = stub
            number = stub.add("echo", 1)
            # Takes a savepoint.
            stub.process()
            assert stub.getResult(number) == 1
            assert stub._p_jar is connection
            manager.abort()
            assert list(stub.jobs) == []
            assert stub.add("echo", 2) == 1
        finally:
            manager.abort()
            connection.close()


def test_a_stub_may_move_into_a_database(engine):
    stub = TaskServiceStub()
    manager = transaction.manager
    with registry():
        provide_task("echo", echo, provided=ITaskStub)
        connection = engine.db.open(manager)
        try:
            manager.begin()
            before = stub.add("echo", 1)
            connection.root()["stub"] = stub
            manager.commit()
            stub.add("echo", 2)
            manager.abort()
            assert list(engine.connect().root()["stub"].jobs) == [before]
            assert list(stub.jobs) == [before]
        finally:
            manager.abort()
            connection.close()
