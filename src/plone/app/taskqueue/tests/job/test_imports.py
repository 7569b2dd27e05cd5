"""What may go wrong where the module of a callable is imported."""

from plone.app.taskqueue.job import callables
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.asyncjob import id_of
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests import functions
from plone.app.taskqueue.tests.engine import Threads
from plone.app.taskqueue.tests.functions import stage

import importlib
import pytest
import sys


#: Stands still in the midst of its import when the test asks for it.
_SLOW = """
from plone.app.taskqueue.tests.functions import stage

if stage.take_once("slow import"):
    stage.event("importing").set()
    stage.wait("import may end")


def late():
    pass
"""


@pytest.fixture
def make_module(tmp_path, monkeypatch):
    """Write a module; it is forgotten after the test."""
    names = []

    def make(name: str, source: str) -> str:
        (tmp_path / f"{name}.py").write_text(source)
        importlib.invalidate_caches()
        names.append(name)
        return name

    stage.reset()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield make
    for name in names:
        sys.modules.pop(name, None)


def test_a_module_that_another_thread_imports_is_waited_for(make_module):
    name = make_module("taskqueue_slow", _SLOW)
    stage.once.add("slow import")
    found = []
    threads = Threads()
    threads.start(lambda: found.append(callables.resolve(f"{name}:late")))
    stage.wait("importing")
    assert name in sys.modules
    asked = stage.event("asked")

    def ask():
        asked.set()
        found.append(callables.resolve(f"{name}:late"))

    threads.start(ask)
    stage.wait("asked")
    stage.event("import may end").set()
    threads.join()
    assert found == [sys.modules[name].late] * 2


@pytest.mark.parametrize(
    "source",
    [
        "def late(:",
        "raise RuntimeError('not today')",
        "raise KeyError('not today')",
        "import nowhere.at.all",
        "from os import nothing",
        "1 / 0",
    ],
)
def test_a_module_that_raises_anything_is_a_lookup_error_with_a_sentence(
    make_module, source
):
    name = make_module("taskqueue_broken", source)
    with pytest.raises(LookupError, match=f"The function {name}:late cannot be impor"):
        callables.resolve(f"{name}:late")


def test_a_module_that_is_broken_fails_its_own_job_only(engine, make_module):
    name = make_module("taskqueue_fine", "def late():\n    pass\n")
    late = importlib.import_module(name).late
    with engine.queue() as queue:
        broken = queue.put(AsyncJob(late), ())
    fine = engine.put(functions.effect, "job 1")
    del sys.modules[name]
    make_module(name, "def late(:")
    engine.run()
    assert engine.states([id_of(broken), fine]) == [State.FAILED, State.COMPLETED]
    message = engine.job(id_of(broken)).result.getErrorMessage()
    assert message.startswith(f"The function {name}:late cannot be imported here")
