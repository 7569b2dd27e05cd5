"""Jobs that write blobs, where a storage keeps them beside its records."""

from contextlib import AbstractContextManager
from pathlib import Path
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import EFFECTS
from plone.app.taskqueue.tests.functions import stage
from plone.app.taskqueue.tests.storages.homes import Home
from plone.app.taskqueue.tests.storages.homes import in_file
from plone.app.taskqueue.tests.storages.homes import in_postgresql
from plone.app.taskqueue.tests.storages.homes import in_sqlite
from plone.app.taskqueue.tests.storages.homes import Kind
from plone.app.taskqueue.tests.storages.homes import on_zeo
from typing import Any
from ZODB.blob import Blob
from ZODB.POSException import ConflictError

import pytest


def _zeo(folder: Path, **options: Any) -> AbstractContextManager[Home]:
    return on_zeo(folder, str(folder / "server"), **options)


def _own(folder: Path) -> dict[str, Any]:
    """Blobs come through the storage, and each process keeps some of them."""
    return {"blob_dir": str(folder / "client"), "shared_blob_dir": False}


def _shared(folder: Path) -> dict[str, Any]:
    """All processes see the directory in which the blobs are kept."""
    return {"blob_dir": str(folder / "server"), "shared_blob_dir": True}


STORAGES: dict[str, Kind] = {
    "file": lambda folder, server: in_file(folder, blob_dir=str(folder / "server")),
    "zeo": lambda folder, server: _zeo(folder, **_own(folder)),
    "zeo shared": lambda folder, server: _zeo(folder, **_shared(folder)),
    "sqlite": lambda folder, server: in_sqlite(folder, **_own(folder)),
    "postgresql": lambda folder, server: in_postgresql(server(), **_own(folder)),
    "postgresql shared": lambda folder, server: in_postgresql(
        server(), **_shared(folder)
    ),
    "postgresql with history": lambda folder, server: in_postgresql(
        server(), True, **_own(folder)
    ),
}


def write(name: str) -> None:
    """Have an effect that can be counted, and write the same into a blob."""
    functions.effect(name)
    effects = stage.root["effects"][name]
    effects.blob = Blob(f"{name}: {effects.times}".encode())
    if stage.take_once(f"{name} conflicts"):
        raise ConflictError(name)
    if stage.take_once(f"{name} fails"):
        raise ValueError(f"{name} fails on purpose")


def blob(engine, name):
    blob = engine.connect().root()["effects"][name].blob
    blob._p_activate()
    return blob


def content(engine, name):
    with blob(engine, name).open() as file:
        return file.read().decode()


def test_a_blob_is_committed_together_with_the_outcome_of_its_job(engine):
    job_id = engine.put(write, "job 1")
    engine.run()
    assert blob(engine, "job 1")._p_serial == engine.transaction_of(job_id)
    assert content(engine, "job 1") == "job 1: 1"


def test_a_job_that_fails_or_runs_again_leaves_no_other_blob(engine, tmp_path):
    stage.once.update({"job 1 fails", "job 2 conflicts"})
    ids = engine.put_all(write, [("job 1",), ("job 2",)], isolated=True)
    engine.run()
    assert engine.states(ids) == [State.FAILED, State.COMPLETED]
    assert not hasattr(engine.connect().root()["effects"]["job 1"], "blob")
    assert content(engine, "job 2") == "job 2: 1"
    contents = [path.read_bytes() for path in tmp_path.rglob("*.blob")]
    assert set(contents) <= {b"job 2: 1"}


def test_jobs_that_share_a_transaction_write_each_its_own_blob_once(engine):
    engine.put(write, EFFECTS[0])
    stage.once.add(f"{EFFECTS[3]} fails")
    ids = engine.put_all(write, [(name,) for name in EFFECTS[1:6]])
    engine.run(group_seconds=30)
    assert [content(engine, name) for name in EFFECTS[1:6]] == [
        f"{name}: 1" for name in EFFECTS[1:6]
    ]
    assert engine.states(ids) == [State.COMPLETED] * 5
    # They did share one, or this would show nothing.
    assert stage.runs[EFFECTS[1]] == 2


@pytest.mark.parametrize("times", [1, 2])
def test_a_blob_is_there_after_the_database_was_packed_and_opened_again(engine, times):
    for _ in range(times):
        engine.put(write, "job 1")
        engine.run()
    engine.db.pack()
    engine.reopen()
    assert content(engine, "job 1") == f"job 1: {times}"


def test_threads_that_write_blobs_at_the_same_time_lose_none(engine):
    engine.dispatcher(threads=3)
    ids = [engine.put(write, name) for name in EFFECTS[:15]]
    engine.wait_for(*ids)
    assert [content(engine, name) for name in EFFECTS[:15]] == [
        f"{name}: 1" for name in EFFECTS[:15]
    ]
