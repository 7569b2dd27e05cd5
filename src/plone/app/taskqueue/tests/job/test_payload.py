"""Arguments and results: what is refused at once, and what spoils one job only."""

from persistent import Persistent
from plone.app.taskqueue.interfaces import IReferences
from plone.app.taskqueue.job import payload
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests import functions
from ZODB.blob import Blob
from zope.component import provideUtility
from zope.component.globalregistry import getGlobalSiteManager
from zope.interface import implementer

import pytest
import sys
import threading
import types


def nested_list(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((), {}),
        ((None,), {}),
        ((1, "two", b"three", 4.0, None, True), {}),
        ((), {"a": 1}),
        ((1,), {"a": {"b": [1, (2,)]}}),
        (((1, 2), {"a": 1}), {}),
        (((), {}), {}),
        (((1,), {"a": 1}), {"b": 2}),
        ((((), {}), {}), {}),
        (({"a"}, frozenset({1})), {}),
    ],
)
def test_arguments_arrive_as_they_were_given(engine, args, kwargs):
    with engine.queue() as queue:
        job = queue.put(AsyncJob(functions.give, *args, **kwargs), ())
    stored = engine.job(job.id)
    assert (stored.args, stored.kwargs) == (args, kwargs)


def test_a_pair_of_tuple_and_dict_is_given_to_the_function_as_two_arguments(engine):
    with engine.queue() as queue:
        job = queue.put(AsyncJob(_two, (1, 2), {"a": 3}), ())
    engine.run()
    assert engine.job(job.id).result == [(1, 2), {"a": 3}]


def _two(first, second):
    return [first, second]


def test_arguments_are_those_of_the_moment_when_the_job_was_made():
    value = [1]
    job = AsyncJob(functions.give, value)
    value.append(2)
    assert job.args == ([1],)


@pytest.mark.parametrize("value", [threading.Lock(), lambda: None, sys])
def test_an_argument_that_cannot_be_pickled_is_refused_where_it_is_given(value):
    with pytest.raises(ValueError, match=r"An argument of .*:give cannot be stored: "):
        AsyncJob(functions.give, value)


def test_a_keyword_argument_that_cannot_be_pickled_is_refused_too():
    with pytest.raises(ValueError, match=r"An argument of .* cannot be stored"):
        AsyncJob(functions.give, key=threading.Lock())


def test_an_argument_that_is_nested_too_deeply_is_refused():
    with pytest.raises(ValueError, match="nested too deeply"):
        AsyncJob(functions.give, nested_list(100_000))


def test_a_persistent_object_with_a_place_in_a_database_is_refused(engine):
    effects = engine.connect().root()["effects"]["job 1"]
    with pytest.raises(ValueError, match="persistent object that belongs to a databa"):
        AsyncJob(functions.give, {"deep": [effects]})


def test_a_persistent_object_without_a_database_is_kept_by_value(engine):
    effects = functions.Effects()
    effects.times = 7
    with engine.queue() as queue:
        job = queue.put(AsyncJob(functions.give, effects), ())
    (stored,) = engine.job(job.id).args
    assert (stored.times, stored._p_jar) == (7, None)


@implementer(IReferences)
class References:
    def refer(self, obj):
        if obj._p_jar is None:
            raise ValueError("it has no place")
        return ("oid", obj._p_oid)

    def find(self, token, connection):
        return connection.get(token[1])


@pytest.fixture
def references():
    utility = References()
    provideUtility(utility)
    yield utility
    getGlobalSiteManager().unregisterUtility(utility, IReferences)


def test_references_keep_persistent_objects_where_they_are(engine, references):
    with engine.queue() as queue:
        effects = queue._p_jar.root()["effects"]["job 1"]
        job = queue.put(AsyncJob(functions.give, [effects]), ())
    stored = engine.job(job.id)
    assert stored.args[0][0] is stored._p_jar.root()["effects"]["job 1"]


def test_what_references_refuse_is_refused_in_their_words(references):
    with pytest.raises(ValueError, match="it has no place"):
        AsyncJob(functions.give, functions.Effects())


def test_references_without_their_utility_fail_that_job_only(engine, references):
    with engine.queue() as queue:
        effects = queue._p_jar.root()["effects"]["job 1"]
        job = queue.put(AsyncJob(functions.give, effects), ())
    after = engine.put(functions.effect, "job 1")
    getGlobalSiteManager().unregisterUtility(references, IReferences)
    engine.run()
    assert "Nothing here can look up" in engine.job(job.id).result.getErrorMessage()
    assert engine.state(after) is State.COMPLETED


@pytest.fixture
def module(monkeypatch):
    """A module of an application that can vanish."""
    module = types.ModuleType("taskqueue_test_application")
    exec(
        "from persistent import Persistent\n"
        "from plone.app.taskqueue.job.asyncjob import AsyncJob\n"
        "class Value:\n    pass\n"
        "class Kept(Persistent):\n    pass\n"
        "class OwnJob(AsyncJob):\n    pass\n"
        "class OwnError(Exception):\n    pass\n"
        "def function():\n    raise OwnError('on purpose')\n"
        "def value():\n    return Value()\n",
        module.__dict__,
    )
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_a_vanished_class_in_the_arguments_fails_that_job_only(engine, module):
    bad = engine.put(functions.give, module.Value())
    good = engine.put(functions.effect, "job 1")
    del module.Value
    engine.run()
    assert engine.states([bad, good]) == [State.FAILED, State.COMPLETED]
    failure = engine.job(bad).result
    assert failure.type is LookupError
    assert failure.getErrorMessage().startswith(
        "An argument of plone.app.taskqueue.tests.functions:give cannot be read: "
    )
    assert "Value" in failure.getErrorMessage()


def test_reading_a_job_imports_none_of_its_application(engine, module):
    bad = engine.put(functions.give, module.Value())
    sys.modules.pop(module.__name__)
    job = engine.job(bad)
    assert (job.state, job.function_name[-5:]) == (State.PENDING, ":give")
    with pytest.raises(LookupError, match="taskqueue_test_application"):
        job.args  # noqa: B018 - a property that raises


def test_a_vanished_function_fails_its_job_and_is_named(engine, module):
    bad = engine.put(module.function)
    good = engine.put(functions.effect, "job 1")
    del module.function
    engine.run()
    assert engine.states([bad, good]) == [State.FAILED, State.COMPLETED]
    assert (
        "taskqueue_test_application:function cannot be imported here"
        in engine.job(bad).result.getErrorMessage()
    )
    with pytest.raises(LookupError):
        engine.job(bad).callable  # noqa: B018 - a property that raises


def test_a_vanished_module_fails_its_job(engine, module):
    bad = engine.put(module.function)
    sys.modules.pop(module.__name__)
    engine.run()
    assert "No module named" in engine.job(bad).result.getErrorMessage()


def test_a_vanished_class_in_a_result_leaves_the_job_completed(engine, module):
    job_id = engine.put(module.value)
    engine.run()
    del module.Value
    job = engine.job(job_id)
    assert job.state is State.COMPLETED
    with pytest.raises(LookupError, match="The result of job"):
        job.result  # noqa: B018 - a property that raises


def test_a_vanished_exception_class_leaves_its_name_and_message(engine, module):
    job_id = engine.put(module.function)
    engine.run()
    assert engine.job(job_id).result.type is module.OwnError
    del module.OwnError
    failure = engine.job(job_id).result
    assert failure.type == "taskqueue_test_application.OwnError"
    assert (type(failure.value), str(failure.value)) == (RuntimeError, "on purpose")
    assert "OwnError" in repr(failure)
    assert "OwnError: on purpose" in failure.getTraceback()


def test_an_unpicklable_result_fails_the_job_and_says_so(engine):
    bad = engine.put(functions.unpicklable_result)
    good = engine.put(functions.effect, "job 1")
    engine.run()
    assert engine.states([bad, good]) == [State.FAILED, State.COMPLETED]
    assert "The result of" in engine.job(bad).result.getErrorMessage()


def test_a_persistent_result_fails_the_job_without_references(engine):
    job_id = engine.put(_persistent_result)
    engine.run()
    assert engine.state(job_id) is State.FAILED
    assert "persistent object" in engine.job(job_id).result.getErrorMessage()


def _persistent_result():
    return functions.stage.root["tally"]


def test_a_persistent_result_is_kept_by_reference_where_that_is_possible(
    engine, references
):
    job_id = engine.put(_persistent_result)
    engine.run()
    job = engine.job(job_id)
    assert job.result is job._p_jar.root()["tally"]


def test_damaged_bytes_are_a_lookup_error():
    with pytest.raises(LookupError, match="It cannot be read"):
        payload.load(b"no pickle", None, "It")


def test_none_takes_no_bytes():
    assert payload.dump(None, "It") is None
    assert payload.load(None, None, "It") is None


def test_a_persistent_class_is_not_taken_for_an_object(engine):
    with engine.queue() as queue:
        job = queue.put(AsyncJob(functions.give, Persistent), ())
    assert engine.job(job.id).args == (Persistent,)


def test_a_blob_is_refused_for_its_file_would_be_lost():
    with pytest.raises(ValueError, match="is a blob, and its file would not be stored"):
        AsyncJob(functions.nothing, {"file": Blob(b"precious")})
