"""Databases that other versions have made are opened and run to the end by today's code.

Each folder beside this file has one, and a text of what must come of it.
"""

from collections.abc import Iterator
from pathlib import Path
from plone.app.taskqueue.dispatcher import Dispatcher
from plone.app.taskqueue.dispatcher import inline
from plone.app.taskqueue.dispatcher import Options
from plone.app.taskqueue.dispatcher import rescuer
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue.container import get_queues
from plone.app.taskqueue.queue.directory import filing
from plone.app.taskqueue.queue.directory.wanted import STATES
from plone.app.taskqueue.tests.functions import PATIENCE
from plone.app.taskqueue.tests.releases import making
from plone.app.taskqueue.tests.releases import work
from plone.app.taskqueue.tests.storages.homes import in_file
from plone.app.taskqueue.tests.storages.homes import on_zeo
from typing import Any
from ZODB.DB import DB
from zope.component.testing import setUp
from zope.component.testing import tearDown

import gzip
import itertools
import json
import pytest
import threading
import time
import transaction


HERE = Path(__file__).parent
VERSIONS = sorted(path.parent.name for path in HERE.glob("*/expected.json"))

#: Bytes that one of them may take, packed.
LIMIT = 100_000

#: The jobs of the service, which nobody serves but ``run_service``.
SERVICE = ("task", "task, later", "cron", "disabled cron", "cron in tuples", "delayed")

#: Jobs whose functions are nowhere; the first databases have only one of them.
OF_OTHER_CODE = {"of other code", "set apart"}

#: They are run as they are, and not pruned for their age.
OPTIONS = Options(retention_days=None, poll_seconds=0.1, lease_seconds=1)


class Kept:
    """A database that some version has made."""

    def __init__(self, database: DB, folder: Path):
        self.database = database
        self.connection = database.open(transaction.TransactionManager())
        expected = json.loads((folder / "expected.json").read_text())
        self.states: dict[str, str] = expected["states"]
        self.times: dict[str, int] = expected["times"]

    @property
    def root(self) -> Any:
        """The root as it is committed now."""
        self.connection.transaction_manager.begin()
        return self.connection.root()

    @property
    def queues(self) -> Any:
        return get_queues(self.connection)

    def check(self) -> None:
        """See that all queues are what they say."""
        self.connection.transaction_manager.begin()
        for queue in self.queues.values():
            queue.check()

    def found(self) -> tuple[dict[str, str], dict[str, int]]:
        """Return the states of all jobs, and how often each effect is there."""
        root = self.root
        states = {name: str(job.state) for name, job in root["jobs"].items()}
        return states, {name: done() for name, done in root["done"].items()}

    def of_other_code(self) -> list[Any]:
        """Return the jobs whose functions are nowhere."""
        jobs = self.connection.root()["jobs"]
        return [jobs[name] for name in jobs.keys() & OF_OTHER_CODE]

    def run_service(self) -> None:
        """Run the jobs of the service, one after the other."""
        with self.connection.transaction_manager:
            service = self.connection.root()["service"]
            service.process()
            # What has a delay was seen now.
            service.process(time.time() + 10)

    def close(self) -> None:
        self.connection.transaction_manager.abort()
        self.connection.close()
        self.database.close()


@pytest.fixture(params=VERSIONS)
def version(request) -> str:
    return request.param


@pytest.fixture(params=["file", "zeo"])
def kept(request, version, tmp_path) -> Iterator[Kept]:
    setUp()
    work.know_task()
    work.closed.clear()
    data = gzip.decompress((HERE / version / "Data.fs.gz").read_bytes())
    (tmp_path / "Data.fs").write_bytes(data)
    with {"file": in_file, "zeo": on_zeo}[request.param](tmp_path) as home:
        kept = Kept(DB(home()), HERE / version)
        try:
            yield kept
        finally:
            kept.close()
            tearDown()


def test_there_is_one():
    assert VERSIONS


def test_it_is_small_and_can_be_read_before_anything_has_run(kept, version):
    assert (HERE / version / "Data.fs.gz").stat().st_size < LIMIT
    kept.check()
    states, _ = kept.found()
    assert states.keys() == kept.states.keys()
    assert states["held 0"] == State.LEASED
    assert states["in callbacks"] == State.CALLBACKS
    assert states["waiting batch"] == State.WAITING
    for job in kept.root["jobs"].values():
        # All that a reader may ask for.
        assert job.status and job.created
        assert job.arguments is not None and job.kwargs is not None
        assert (job.attempts, job.log, job.callbacks, job.quota_names) is not None
    [worker] = kept.queues.workers.values()
    assert (worker.host, worker.pid, worker.beats) == ("an-old-host", 4711, 0)
    # Those that were made before there was such a thing do not say it.
    assert (worker.code, worker.told) in [("", None), ("", making.NOW)]


def test_a_dispatcher_takes_over_what_its_dead_hold_and_runs_all_to_the_end(
    kept, monkeypatch
):
    monkeypatch.setattr(rescuer, "_IDLE_PATIENCE", 1)
    dispatcher = Dispatcher(kept.database, options=OPTIONS)
    dispatcher.start()
    try:
        _await_no_differences(kept)
    finally:
        assert dispatcher.stop(PATIENCE)
    kept.run_service()
    assert _differences(kept) == {}
    kept.check()
    assert list(kept.queues.workers) == []
    assert all(list(queue.leases) == [] for queue in kept.queues.values())
    functions = {job.function_name for job in kept.of_other_code()}
    assert kept.queues[""].apart() == dict.fromkeys(functions, 1)


def test_it_is_run_to_the_end_in_one_thread_and_used_as_any_other(kept):
    with kept.connection.transaction_manager:
        [worker] = kept.queues.workers.values()
        registry.fence(kept.queues, worker)
        job = AsyncJob(work.do, "unique")
        job.set_unique("the key")
        # The key is held by a job of then.
        assert kept.queues[""].put(job, ()) is kept.connection.root()["jobs"]["unique"]
        assert kept.queues["other"].paused is True
        for job in kept.of_other_code():
            assert kept.queues[""].cancel(job)
    for name in kept.states.keys() & OF_OTHER_CODE:
        kept.states[name] = "cancelled"
    inline.run_due(kept.database, options=OPTIONS)
    kept.run_service()
    assert _differences(kept) == {}
    kept.check()
    with kept.connection.transaction_manager:
        # It can be cancelled, taken out and forgotten.
        jobs = kept.connection.root()["jobs"]
        assert kept.queues[""].cancel(jobs["in 75 years"])
        kept.queues["other"].remove(jobs["paused"])
        while kept.queues[""].prune(time.time() + 7200, 100):
            pass
    kept.check()
    assert sum(kept.queues[""].counts().values()) == 0


def test_its_jobs_are_found_before_there_is_a_directory_of_them_and_after(
    kept, monkeypatch
):
    monkeypatch.setattr(filing, "GRACE", 0)
    monkeypatch.setattr(filing, "WALKED", 2)
    names = {job.function_name for job in kept.root["jobs"].values()}

    def look() -> None:
        kept.connection.transaction_manager.begin()
        for queue, name in itertools.product(kept.queues.values(), names):
            expected = [
                job for job in queue.search(STATES) if job.function_name == name
            ]
            assert list(queue.search(STATES, function=name)) == expected

    look()
    portions = 0
    for name in kept.queues:
        done = 1
        while done:
            with kept.connection.transaction_manager:
                done = filing.tidy(kept.queues[name], at_once=True)
            portions += 1
            look()
    assert portions > len(kept.queues)
    for queue in kept.queues.values():
        assert all(room.directory.is_complete for room in queue.lanes())
    kept.check()


def test_todays_code_can_make_one(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "__file__", str(tmp_path / "making.py"))
    setUp()
    try:
        folder = making.make("today")
    finally:
        tearDown()
        making.clock.reset()
        work.closed.clear()
    assert (folder / "Data.fs.gz").stat().st_size < LIMIT


def _differences(kept: Kept, service: bool = True) -> dict[str, Any]:
    """Return what is not as it must be, without the jobs of the service if asked."""
    states, times = kept.found()
    names = kept.states.keys() | kept.times.keys()
    return {
        name: (states.get(name), times.get(name))
        for name in names
        if (service or name not in SERVICE)
        and (states.get(name), times.get(name))
        != (kept.states.get(name), kept.times.get(name))
    }


def _await_no_differences(kept: Kept) -> None:
    deadline = time.monotonic() + PATIENCE
    while left := _differences(kept, service=False):
        assert time.monotonic() < deadline, left
        threading.Event().wait(0.05)
