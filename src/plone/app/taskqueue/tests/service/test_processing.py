"""Services whose jobs run in threads, on a real database."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.dispatcher.inline import run_due
from plone.app.taskqueue.dispatcher.pruner import Pruner
from plone.app.taskqueue.local import checkpoint
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.service import processing
from plone.app.taskqueue.service import TaskService
from plone.app.taskqueue.task import TaskError
from plone.app.taskqueue.tests.databases import queues_in
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.functions import stage
from plone.app.taskqueue.tests.service.place import Announcing
from plone.app.taskqueue.tests.service.place import START
from plone.app.taskqueue.tests.service.place import threads
from plone.app.taskqueue.tests.service.tasks import echo
from plone.app.taskqueue.tests.service.tasks import provide_task
from plone.app.taskqueue.tests.service.tasks import registry
from plone.app.taskqueue.wakeup import hub
from zope.component.hooks import getSite
from zope.site.folder import rootFolder

import pytest
import threading
import transaction


def test_a_job_runs_once_its_transaction_has_committed(place):
    place.service.startProcessing()
    number = place.add("echo", {"a": 1})
    place.wait_for_status(number, "completed")
    assert place.service.getResult(number) == {"a": 1}


def test_there_is_one_thread_named_after_the_place_of_the_service(place):
    place.service.startProcessing()
    place.service.startProcessing()
    (thread,) = threads()
    assert thread.name == "remotetasks.site.++etc++site.default.tasks"
    assert thread.daemon
    assert repr(thread) == f"<Thread({thread.name}, started daemon)>"
    assert place.service.isProcessing() is True
    place.service.stopProcessing()
    assert place.service.isProcessing() is False
    thread.join(PATIENCE)
    assert threads() == []
    place.service.stopProcessing()


def test_a_service_that_was_stopped_can_be_started_again(place):
    for _ in range(2):
        place.service.startProcessing()
        number = place.add("echo")
        place.wait_for_status(number, "completed")
        place.service.stopProcessing()


def test_a_service_that_is_not_committed_cannot_be_started(place):
    place.manager.begin()
    new = place.root["new"] = TaskService()
    with pytest.raises(ValueError, match="service new is not in the database yet"):
        new.startProcessing()
    place.manager.savepoint()
    with pytest.raises(ValueError, match="service new is not in the database yet"):
        new.startProcessing()
    assert new.isProcessing() is False


def test_other_dispatchers_leave_the_jobs_of_a_service_alone(place):
    place.service.startProcessing()
    place.service.stopProcessing()
    number = place.add("echo")
    place.engine.dispatcher()
    other = place.engine.put(dict)
    place.engine.wait_for(other)
    assert place.now().getStatus(number) == "queued"


def test_a_task_runs_in_the_site_of_its_service(place):
    provide_task("where", lambda input: getSite().__name__)
    place.service.startProcessing()
    number = place.add("where")
    place.wait_for_status(number, "completed")
    assert place.service.getResult(number) == "site"


def test_a_worker_tries_a_job_four_times_and_a_task_error_once(place):
    def fail(input):
        place.note("fail")
        raise ValueError("not today")

    def refuse(input):
        place.note("refuse")
        raise TaskError("never")

    provide_task("fail", fail)
    provide_task("refuse", refuse)
    place.service.startProcessing()
    numbers = [place.add("fail"), place.add("refuse"), place.add("echo")]
    for number, status in zip(numbers, ("error", "error", "completed"), strict=True):
        place.wait_for_status(number, status)
    assert place.seen == {"fail": 4, "refuse": 1}
    assert place.service.getError(numbers[0]) == "not today"
    assert place.service.getError(numbers[1]) == "never"


def test_a_task_may_stop_its_own_service(place):
    def stop(input):
        connection = place.engine.connect()
        connection.root()["Application"]["site"].getSiteManager()["default"][
            "tasks"
        ].stopProcessing()

    provide_task("stop", stop)
    place.service.startProcessing()
    (thread,) = threads()
    number = place.add("stop")
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert place.now().getStatus(number) == "completed"


def test_the_end_of_the_process_stops_all_services_at_once(place):
    def long(input):
        stage.event("begun").set()
        stage.wait("go on")

    provide_task("long", long)
    site = place.root["site"].getSiteManager()["default"]
    with place.manager:
        other = site["other"] = TaskService()
    place.service.startProcessing()
    number = place.add("long")
    stage.wait("begun")
    other.startProcessing()
    (idle,) = [thread for thread in threads() if thread.name.endswith(".other")]
    end = threading.Thread(target=processing.stop_all, args=(PATIENCE,))
    end.start()
    idle.join(PATIENCE / 2)
    assert not idle.is_alive()
    assert place.now().getStatus(number) == "processing"
    stage.event("go on").set()
    end.join(PATIENCE)
    assert threads() == []
    assert place.now().getStatus(number) == "completed"


def test_a_job_that_is_cancelled_while_it_runs_is_undone(place):
    def long(input):
        stage.event("begun").set()
        stage.wait("go on")
        checkpoint()

    provide_task("long", long)
    place.service.startProcessing()
    number = place.add("long")
    stage.wait("begun")
    assert place.now().getStatus(number) == "processing"
    with place.manager:
        place.service.cancel(number)
    stage.event("go on").set()
    place.wait_for_status(number, "cancelled")


@pytest.fixture
def queues_elsewhere(tmp_path):
    """Two databases, of which the other one has the queues."""
    stage.reset()
    with queues_in("jobs", tmp_path) as database:
        yield database


def test_a_service_runs_its_jobs_where_other_queues_are_in_another_database(
    queues_elsewhere, monkeypatch
):
    monkeypatch.setattr(
        "plone.app.taskqueue.service.TaskService.environmentFactory", Announcing
    )
    seen = []

    def look(input):
        checkpoint()
        seen.append(threading.current_thread().name)
        stage.event("looked").set()
        return input

    connection = queues_elsewhere.open(transaction.TransactionManager())
    manager = connection.transaction_manager
    with registry():
        provide_task("look", look)
        with manager:
            root = connection.root()["Application"] = rootFolder()
            service = root["tasks"] = TaskService()
            service.processorArguments = {"waitTime": 3600}
        service.startProcessing()
        for number in range(3):
            stage.event("looked").clear()
            with manager:
                service.add("look", number)
            stage.wait("looked")
        assert processing.find(service).stop(PATIENCE)
        manager.begin()
        assert {job.status for job in service.jobs.values()} == {"completed"}
        assert set(seen) == {"remotetasks.tasks"}
        manager.abort()
    connection.close()


def test_what_was_cleaned_away_does_not_come_back_from_a_workers_lease(place):
    place.service.startProcessing()
    number = place.add("echo")
    place.wait_for_status(number, "completed")
    with place.manager:
        place.service.clean()
    assert processing.find(place.service).stop(PATIENCE)
    place.now()
    assert not list(place.service._queue.finished("completed"))
    assert not list(place.service._queue.leases)


def test_a_job_is_rescued_from_a_worker_that_died(place):
    place.service.startProcessing()
    place.service.stopProcessing()
    number = place.add("echo", 1)
    connection = place.engine.connect()
    worker_id = place.engine.register(connection)
    with connection.transaction_manager:
        queue = connection.get(place.service._queue._p_oid)
        assert claim_next(queue, worker_id, 0, 1, lambda *job: True)
    assert place.now().getStatus(number) == "processing"
    place.engine.fence(worker_id)
    assert place.now().getStatus(number) == "queued"
    place.service.startProcessing()
    place.wait_for_status(number, "completed")


def test_each_tick_runs_once_where_two_workers_serve_the_service(place):
    ticks = 12
    clock.freeze(START)
    with place.manager:
        number = place.service.addCronJob("note", "tick", minute=range(60))
        get_queues(place.connection).attach(place.service._queue)
        # The first look.
        place.service.processNext()
    workers = [
        Dispatcher(
            place.engine.db,
            Announcing,
            Options(poll_seconds=3600, lease_seconds=3600),
            queue_names=[place.service._queue.name],
        )
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    try:
        for tick in range(1, ticks + 1):
            clock.freeze(START + 60 * tick)
            for _ in workers:
                hub.ring(place.engine.db)
            place.wait_for_runs(number, tick)
    finally:
        for worker in workers:
            assert worker.stop(PATIENCE)
    assert place.seen == {"tick": ticks}
    assert place.now().getStatus(number) == "cronjob"
    assert place.service._queue.counts()["completed"] == ticks


def test_a_services_thread_heeds_the_settings_of_its_process(place, monkeypatch):
    monkeypatch.setenv("PLONE_APP_TASKQUEUE_RETENTION_DAYS", "never")
    monkeypatch.setenv("PLONE_APP_TASKQUEUE_LEASE_SECONDS", "77")
    monkeypatch.setenv("PLONE_APP_TASKQUEUE_THREADS", "0")
    place.service.processorArguments = {"waitTime": 5}
    place.service.startProcessing()
    options = processing.find(place.service).options
    assert (options.retention_days, options.lease_seconds) == (None, 77)
    assert (options.threads, options.poll_seconds) == (1, 5)


# Where the queues are in another database


def test_all_is_right_with_services_where_the_queues_are_elsewhere(
    queues_elsewhere, caplog, monkeypatch
):
    monkeypatch.setattr(TaskService, "environmentFactory", Announcing)
    connection = queues_elsewhere.open(transaction.TransactionManager())
    manager = connection.transaction_manager
    with registry():
        provide_task("echo", echo)
        with manager:
            root = connection.root()["Application"] = rootFolder()
            service = root["tasks"] = TaskService()
        service.startProcessing()
        with manager:
            number = service.add("echo")
            service.addCronJob("echo", crontab="0 3 * * *")
        with stage.changed:
            assert stage.changed.wait_for(lambda: is_over(service, number), PATIENCE)
        assert processing.find(service).stop(PATIENCE)
        manager.begin()
        service._queue.check()
        for queue in get_queues(connection).values():
            queue.check()
        # As somebody does who knows of no events; then the database is packed.
        with manager:
            del connection.root()["Application"]
        queues_elsewhere.pack()
        connection.cacheMinimize()
        manager.begin()
        name = max(get_queues(connection))
        assert list(get_queues(connection).values()) == [get_queues(connection)[""]]
        assert run_due(queues_elsewhere) == 0
        caplog.clear()
        for _ in range(2):
            Pruner(7).run(connection)
        assert caplog.messages == [m for m in caplog.messages if name in m]
        assert len(caplog.messages) == 1
        manager.begin()
        assert list(get_queues(connection)) == [""]
    manager.abort()
    connection.close()


def is_over(service, number):
    service._p_jar.transaction_manager.begin()
    return service.getStatus(number) == "completed"
