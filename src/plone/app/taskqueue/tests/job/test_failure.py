"""A failure can always be written and read again, whatever the exception is like."""

from plone.app.taskqueue.job import failure as failures
from plone.app.taskqueue.job.failure import Failure
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests import functions
from zope.interface.verify import verifyObject

import gc
import pickle
import plone.app.taskqueue.interfaces as interfaces
import pytest
import types
import weakref


def caught(function, *args):
    try:
        function(*args)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


class Witness:
    pass


def _hold(witness):
    own = witness  # noqa: F841 - lives in the frame
    raise ValueError("with a frame")


def test_a_failure_offers_what_the_interface_says():
    failure = Failure(ValueError("x"))
    assert verifyObject(interfaces.IFailure, failure)
    assert failure.type is ValueError
    assert repr(failure.value) == "ValueError('x')"
    assert failure.getErrorMessage() == "x"
    assert "ValueError: x" in failure.getTraceback()
    assert "ValueError" in repr(failure)


def test_a_failure_holds_no_frames():
    witness = Witness()
    gone = weakref.ref(witness)
    failure = Failure(caught(_hold, witness))
    del witness
    gc.collect()
    assert gone() is None
    assert "_hold" in failure.getTraceback()
    seen, todo = set(), [failure]
    while todo:
        thing = todo.pop()
        if id(thing) not in seen and not isinstance(thing, type | types.ModuleType):
            seen.add(id(thing))
            assert not isinstance(thing, types.FrameType | types.TracebackType)
            todo.extend(gc.get_referents(thing))


def test_a_failure_is_the_same_after_a_pickle():
    failure = Failure(caught(_hold, 1))
    again = pickle.loads(pickle.dumps(failure))
    assert again.as_record() == failure.as_record()


def test_a_traceback_shows_no_values_of_variables():
    assert "hidden secret" not in Failure(caught(_hold, "hidden secret")).getTraceback()


def test_a_traceback_begins_in_the_job_and_not_in_the_engine(engine):
    job_id = engine.put(functions.complain, "KeyError", "key")
    engine.run()
    text = engine.job(job_id).result.getTraceback()
    assert "functions.py" in text
    assert "runner.py" not in text and "asyncjob.py" not in text


def test_an_exception_without_a_message_can_be_kept():
    failure = Failure(functions.Nameless())
    assert failure.getErrorMessage() == "(its message cannot be read)"
    assert failure.type is functions.Nameless
    assert type(failure.value) is RuntimeError


@pytest.mark.parametrize(
    "kind, message",
    [
        ("Nameless", "(its message cannot be read)"),
        ("Quitter", "(its message cannot be read)"),
        ("Substring", "almost a string"),
        ("Locked", "holds a lock"),
    ],
)
def test_an_exception_that_makes_trouble_fails_its_job_only(engine, kind, message):
    bad = engine.put(functions.complain, kind)
    good = engine.put(functions.effect, "job 1")
    engine.run()
    assert engine.states([bad, good]) == [State.FAILED, State.COMPLETED]
    failure = engine.job(bad).result
    assert failure.getErrorMessage() == message
    assert failure.type_name.endswith(kind)
    assert isinstance(failure.value, Exception)


def test_a_huge_message_is_cut_in_the_middle():
    message = Failure(ValueError("a" * 100_000 + "z" * 100_000)).getErrorMessage()
    assert len(message) < failures.MESSAGE_LIMIT + 100
    assert message.startswith("aaa") and message.endswith("zzz")
    assert "characters left out" in message


def test_a_huge_exception_is_not_kept_itself():
    failure = Failure(ValueError("a" * 1_000_000))
    assert type(failure.value) is RuntimeError
    assert len(pickle.dumps(failure)) < 30_000


def test_a_deep_traceback_is_bounded():
    failure = Failure(caught(functions.recurse))
    assert failure.type is RecursionError
    assert len(failure.getTraceback()) < failures.TRACEBACK_LIMIT + 100


def _chain(depth):
    try:
        if depth:
            _chain(depth - 1)
        raise ValueError("the first " + "x" * 1000)
    except ValueError as error:
        raise KeyError("then " + "y" * 1000) from error


def test_a_long_chain_of_exceptions_is_bounded():
    failure = Failure(caught(_chain, 50))
    assert len(failure.getTraceback()) < failures.TRACEBACK_LIMIT + 100
    assert "direct cause" in failure.getTraceback()


def test_an_exception_of_a_class_inside_a_function_has_a_name():
    class Local(Exception):
        pass

    failure = Failure(Local("here"))
    assert failure.type.endswith("Local")
    assert (type(failure.value), str(failure.value)) == (RuntimeError, "here")


def test_an_exception_of_an_application_comes_back_as_itself(engine):
    job_id = engine.put(functions.complain, "Particular", "a", 2)
    engine.run()
    failure = engine.job(job_id).result
    assert failure.type is functions.Particular
    assert failure.value.args == ("a", 2)


class Wrapping(functions.Particular):
    pass


def read_again(failure):
    return pickle.loads(pickle.dumps(failure))


@pytest.mark.parametrize("keep", [lambda failure: failure, read_again])
@pytest.mark.parametrize(
    "kind",
    [
        Wrapping,
        functions.Particular,
        Exception,
        BaseException,
        f"{__name__}.Wrapping",
        f"{__name__}:Wrapping",
        f"{functions.__name__}.Particular",
        "Exception",
        "builtins.Exception",
        "builtins:Exception",
    ],
)
def test_a_failure_is_of_its_class_and_of_the_classes_above(keep, kind):
    failure = keep(Failure(Wrapping("a", 2)))
    assert failure.check(KeyError, kind, "LookupError") == kind


@pytest.mark.parametrize("keep", [lambda failure: failure, read_again])
def test_a_failure_is_not_of_other_classes(keep):
    failure = keep(Failure(LookupError("x")))
    assert failure.check() is None
    assert failure.check(KeyError, ValueError, "KeyError", "x.LookupError") is None


def test_a_failure_of_a_class_made_at_run_time_is_known_while_fresh():
    local = type("Local", (KeyError,), {"__module__": "nowhere.at.all"})
    failure = Failure(local("x"))
    assert failure.check(LookupError) is LookupError
    again = read_again(failure)
    assert again.check(LookupError, "LookupError") is None
    assert again.check("nowhere.at.all.Local") == "nowhere.at.all.Local"


@pytest.mark.parametrize("kind", [(ValueError,), None, 5, int, ValueError("x")])
def test_a_failure_is_compared_with_nothing_but_exceptions(kind):
    with pytest.raises(TypeError, match="one by one"):
        Failure(ValueError("x")).check(kind)
