"""``taskqueue doctor``: each thing that is wrong is found, and what to do is said."""

from plone.app.taskqueue import clock
from plone.app.taskqueue.command.diagnosis.storages import storage_problems
from plone.app.taskqueue.command.diagnosis.workers import worker_problems
from plone.app.taskqueue.dispatcher.code import own_code
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.claiming import claim_next
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.workers import Worker
from plone.app.taskqueue.tests.command.sites import add_site
from plone.app.taskqueue.tests.command.sites import add_tasks
from plone.app.taskqueue.tests.command.sites import service_in
from plone.app.taskqueue.tests.command.test_commands import say
from plone.app.taskqueue.tests.storages.homes import in_sqlite
from plone.app.taskqueue.tests.worker import jobs
from ZEO.ClientStorage import ClientStorage
from ZODB import DB

import os
import pytest
import signal


def problems(instance, *arguments):
    """Return what the doctor finds, which is something."""
    return say(instance, "doctor", *arguments, status=1)["problems"]


def register(instance, code="", worker_id="w", **fields):
    with instance.queues() as queues:
        worker = Worker(worker_id, "there", 12, 1, clock.now(), code)
        vars(worker).update(fields)
        registry.register(queues, worker)


def take(instance, worker_id="w"):
    """Let a worker hold the next job of the default queue."""
    with instance.queues() as queues:
        assert claim_next(queues[""], worker_id, 0, 1, lambda *both: True)


@pytest.fixture
def in_the_past(monkeypatch):
    """Put the clock of this process an hour back until it is called."""
    now = clock.now() - 3_600.0
    monkeypatch.setattr("plone.app.taskqueue.clock.now", lambda: now)
    return monkeypatch.undo


def test_a_worker_of_another_release_is_named(instance):
    instance.configure("release blue")
    with instance.worker() as worker:
        pid = worker.read_until(r"Process (\d+) is ready")[1]
        assert say(instance, "doctor")["problems"] == []
        instance.configure("release green")
        [problem] = problems(instance)
        assert f"process {pid}" in problem
        assert "another release" in problem
        [told] = say(instance, "status")["workers"]
        assert told["code"].startswith(own_code().partition("/")[0])
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0


def test_a_worker_of_another_version_and_with_a_wrong_clock_is_named(instance):
    register(instance, "0.1/feedbeef", told=clock.now() + 600)
    code, time = problems(instance)
    assert "plone.app.taskqueue 0.1, and here it is" in code
    assert "The clock of there is 600 seconds ahead" in time


def test_a_worker_that_is_silent_and_holds_jobs_is_named(instance, monkeypatch):
    register(instance)
    instance.put(jobs.tell, "x")
    take(instance)
    with instance.queues() as queues:
        assert list(worker_problems(queues, 20.0)) == []
        later = clock.now() + 100
        monkeypatch.setattr("plone.app.taskqueue.clock.now", lambda: later)
        [problem] = worker_problems(queues, 20.0)
    assert "(process 12 on there)" in problem
    assert "it holds 1 jobs" in problem


def test_a_quota_whose_places_are_held_by_the_dead_is_named(instance):
    with instance.queues() as queues:
        queues[""].quotas.create("one", 1)
    for _ in range(2):
        with instance.queues() as queues:
            queues[""].put(AsyncJob(jobs.tell, "x"), ["one"])
    take(instance, "gone")
    found = problems(instance)
    assert any(
        "Quota one of queue default is full, and 1 of its 1" in each for each in found
    )


def test_a_queue_that_no_worker_serves_is_named(instance, in_the_past):
    instance.put(jobs.tell, "x")
    in_the_past()
    with instance.worker("--queues", "other") as worker:
        worker.read_until("is ready")
        [problem] = problems(instance)
        assert "1 jobs wait in queue default" in problem
        assert "--queues" in problem


def test_jobs_that_are_set_apart_are_named(instance):
    job_id = instance.put(jobs.tell, "x")
    with instance.queues() as queues:
        queues[""].get(job_id).function_name = "gone.away:work"
    with instance.worker() as worker:
        worker.read_until("gone.away:work cannot be imported here")
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0
    apart, unknown = problems(instance)
    assert "wait for a worker that has gone.away:work" in apart
    assert "could not be run here" in unknown


def test_a_cron_job_that_is_behind_and_one_of_another_installation_are_named(
    instance, in_the_past
):
    add_site(instance)
    with service_in(instance) as service:
        number = service.addCronJob("greet", {"name": "x"}, crontab="*/5 * * * *")
        service._queue.plan()
        get_queues(service._p_jar).attach(service._queue)
    in_the_past()
    [late] = problems(instance)
    assert "1 cron jobs of /site/" in late
    assert f"are behind, such as {number} (greet)" in late
    instance.configure("installation staging")
    [away] = problems(instance)
    assert "those of installation ''" in away


def test_a_task_that_is_not_here_is_named_if_zope_is_started(instance):
    add_tasks(instance)
    add_site(instance)
    with service_in(instance) as service:
        service.addCronJob("greet", {"name": "x"}, crontab="@daily")
        service.addCronJob("not-yet", crontab="@daily")
    [problem] = problems(instance, "--tasks")
    assert "have the task not-yet, which is not here" in problem


def test_a_database_in_sqlite_is_named_and_not_one_in_memory(tmp_path):
    with in_sqlite(tmp_path) as home:
        databases = {}
        DB(None, database_name="memory", databases=databases)
        database = DB(home(), database_name="kept", databases=databases)
        [problem] = storage_problems(database)
        assert "Database kept is kept by RelStorage in SQLite" in problem
        assert "move it to PostgreSQL" in problem
        database.close()


def test_blobs_that_cannot_be_read_are_named(server, tmp_path):
    folder = tmp_path / "blobs"
    folder.mkdir()
    storage = ClientStorage(server.address, blob_dir=str(folder), shared_blob_dir=True)
    database = DB(storage)
    try:
        assert list(storage_problems(database)) == []
        blob = folder / "0x00" / "0x01.blob"
        blob.parent.mkdir()
        blob.write_bytes(b"x")
        assert list(storage_problems(database)) == []
        if os.getuid():
            blob.chmod(0)
            [problem] = storage_problems(database)
            assert f"may not read the blob {blob}" in problem
        folder.rename(tmp_path / "elsewhere")
        [problem] = storage_problems(database)
        assert f"{folder} of database" in problem
    finally:
        database.close()


def test_a_web_server_of_other_code_is_named(instance):
    instance.configure("release blue")
    with instance.worker() as worker, instance.web_server(THREADS="0") as web:
        pid = worker.read_until(r"Process (\d+) is ready")[1]
        web.read_until("Serving on")
        instance.wait_until(lambda queues: len(queues.workers) == 2)
        told = say(instance, "status")
        assert [each["pid"] for each in told["workers"]] == [int(pid)]
        assert [each["pid"] for each in told["web_servers"]] == [web.process.pid]
        assert told["web_servers"][0]["code"] == told["workers"][0]["code"]
        assert say(instance, "doctor")["problems"] == []
        instance.configure("release green")
        [problem] = problems(instance)
        assert f"a web server (process {web.process.pid} on " in problem
        assert f"(process {pid} on " in problem
        web.signal(signal.SIGTERM)
        assert web.end() == 0
        assert say(instance, "status")["web_servers"] == []


def test_a_web_server_that_only_queues_is_no_worker_to_wait_for(instance):
    instance.put(jobs.tell, "x")
    with instance.queues() as queues:
        worker = Worker("w", "there", 12, 0, clock.now())
        registry.register(queues, worker)
    [problem] = problems(instance)
    assert "and no worker runs" in problem


def test_a_trial_tells_who_runs_jobs_and_how_soon(instance):
    with instance.worker() as worker:
        pid = worker.read_until(r"Process (\d+) is ready")[1]
        told = say(instance, "doctor", "--try")
        assert f"was run by process {pid} on " in told["trial"]
        assert told["problems"] == []


def test_a_trial_that_nobody_runs_is_found_and_cancelled(instance):
    with instance.queues():
        pass
    trial, *_ = problems(instance, "--try", "default", "--seconds", "0.2")
    assert "Nobody has run job" in trial
    [job] = say(instance, "jobs")
    assert job["state"] == "cancelled"
    done = instance.run("doctor", "-C", "zope.conf", "--try", "defalt")
    assert done.returncode == 1
    assert "did you mean default?" in done.stderr
