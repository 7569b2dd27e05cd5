"""Tasks are called as z3c.taskqueue called them, and say what they are."""

from datetime import timedelta
from functools import partial
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.job.retry import NeverRetry
from plone.app.taskqueue.job.retry import Retry
from plone.app.taskqueue.task import EchoTask
from plone.app.taskqueue.task import FunctionTask
from plone.app.taskqueue.task import options_of
from plone.app.taskqueue.task import perform
from plone.app.taskqueue.task import shown_input
from plone.app.taskqueue.task import SimpleTask
from plone.app.taskqueue.task import Task
from plone.app.taskqueue.task import TaskError
from plone.app.taskqueue.task import TaskInputError
from plone.app.taskqueue.task import TaskOptions
from plone.app.taskqueue.task import TaskOutputError
from plone.app.taskqueue.task import unique_key
from plone.app.taskqueue.tests.task import declared
from plone.app.taskqueue.tests.task.declared import ITidied
from plone.app.taskqueue.tests.task.declared import ITidy
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.component import provideUtility
from zope.interface import implementer
from zope.interface.verify import verifyClass
from zope.interface.verify import verifyObject

import pickle
import pytest


def echo(input):
    return input


def on(context, input):
    return context, input


@implementer(ITask)
class OldTask:
    """A task as z3c.taskqueue knew them."""

    inputSchema = None
    outputSchema = None

    def __call__(self, service, jobid, input):
        return service, jobid, input


def test_a_simple_task_calls_its_function_with_the_input():
    assert SimpleTask(echo)(None, 1, input={"foo": "blah"}) == {"foo": "blah"}
    assert repr(SimpleTask(echo)).startswith("<SimpleTask <function echo at 0x")


def test_the_echo_task_works():
    assert EchoTask()(None, 1, "hello") == "hello"
    assert repr(EchoTask()) == "<EchoTask>"


def test_tasks_provide_the_one_interface_and_all_of_it():
    for made in (SimpleTask(echo), EchoTask(), FunctionTask(echo)):
        assert verifyClass(ITask, type(made))
        assert verifyObject(ITask, made)


def test_a_task_can_be_registered_without_naming_the_interface():
    made = SimpleTask(echo)
    provideUtility(made, name="tests.echo")
    try:
        assert getUtility(ITask, "tests.echo") is made
    finally:
        getGlobalSiteManager().unregisterUtility(made, ITask, "tests.echo")


def test_a_task_can_be_kept_in_the_database_of_a_site():
    made = pickle.loads(pickle.dumps(SimpleTask(echo, timeout=5, input_schema=ITidy)))
    assert (made.timeout, made.inputSchema, made.func) == (5, ITidy, echo)


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="a function to call, not 'echo'"):
        SimpleTask("echo")


async def wait(input):
    pass


async def wait_for_each(input):
    yield input


def each(input):
    yield input


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (wait, "an async function"),
        (wait_for_each, "an async function"),
        (each, "a generator"),
        (partial(wait), "an async function"),
    ],
)
@pytest.mark.parametrize("factory", [SimpleTask, FunctionTask])
def test_a_function_that_would_do_nothing_is_refused(factory, function, words):
    with pytest.raises(TypeError, match=words):
        factory(function)


def test_a_task_error_is_its_message():
    assert str(TaskError("An error occurred.")) == "An error occurred."


@pytest.mark.parametrize("kind", [TaskInputError, TaskOutputError])
def test_errors_of_schemas_are_task_errors_and_value_errors_and_can_be_kept(kind):
    error = pickle.loads(pickle.dumps(kind("Bad:\n- days: No.", {"days": "No."})))
    assert isinstance(error, TaskError) and isinstance(error, ValueError)
    assert (str(error), error.errors) == ("Bad:\n- days: No.", {"days": "No."})


# What a task says of itself


def test_what_a_task_leaves_unsaid_has_its_default():
    assert options_of(EchoTask()) == options_of(OldTask()) == TaskOptions()


def test_options_may_be_given_or_be_attributes_of_a_class():
    class Own(SimpleTask):
        inputSchema = ITidy
        redact = ("secret",)
        timeout = timedelta(minutes=1)

        def unique(self, input):
            return input["path"]

    made = Own(echo, title="Mine", retry=Retry(times=2))
    options = options_of(made)
    assert (made.title, made.timeout) == ("Mine", timedelta(minutes=1))
    assert (options.input_schema, options.timeout) == (ITidy, 60)
    assert options.retry == Retry(times=2)
    assert unique_key(made, "mine", {"path": "/x"}) == "mine:/x"


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"tiemout": 3}, TypeError, "no option 'tiemout'; did you mean 'timeout'?"),
        ({"colour": 3}, TypeError, "no option 'colour'; known: title, "),
        ({"title": 3}, TypeError, "title is a string, not 3"),
        ({"description": None}, TypeError, "description is a string"),
        ({"input_schema": dict}, TypeError, "input_schema is an interface"),
        ({"output_schema": "x"}, TypeError, "output_schema is an interface"),
        ({"wants_context": "yes"}, TypeError, "wants_context is True or False"),
        ({"isolated": 1}, TypeError, "isolated is True or False"),
        ({"wants_user": 1}, TypeError, "wants_user is True or False"),
        ({"run_as": "admin"}, ValueError, "run_as is 'caller', or None"),
        ({"retry": ""}, ValueError, "cannot be empty"),
        ({"retry": 3}, TypeError, "3 is no retry policy"),
        ({"retry": lambda job: None}, ValueError, "lambda"),
        ({"timeout": 0}, ValueError, "above 0, not 0"),
        ({"timeout": True}, ValueError, "above 0, not True"),
        ({"timeout": float("inf")}, ValueError, "above 0, not inf"),
        ({"priority": 1.5}, TypeError, "whole number, not 1.5"),
        ({"priority": 101}, ValueError, "from -100 to 100"),
        ({"unique": ""}, TypeError, "unique is a string"),
        ({"unique": 3}, TypeError, "unique is a string"),
        ({"redact": "secret"}, TypeError, r"write \('secret',\)"),
        ({"redact": (1,)}, TypeError, "redact is a string, not 1"),
        (
            {"redact": ("sekret",), "input_schema": ITidy},
            ValueError,
            "'sekret', which ITidy has not; it has path, ",
        ),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_with_a_sentence(
    options, error, sentence
):
    with pytest.raises(error, match=sentence):
        SimpleTask(echo, **options)


def test_retry_policies_may_be_objects_or_names_of_what_comes_later():
    assert SimpleTask(echo, retry=NeverRetry).retry is NeverRetry
    assert SimpleTask(echo, retry="polite").retry == "polite"


def test_a_task_that_does_not_say_what_to_do_says_so():
    with pytest.raises(NotImplementedError, match="Task does not say what to do"):
        Task()(None, 1, None)


# Functions that take the fields by name


def test_a_function_takes_the_fields_of_the_schema_by_name():
    made = FunctionTask(declared.tidy, input_schema=ITidy)
    assert made(None, 1, {"path": "/", "days": 3}) == {"number": 3}
    assert made(None, 1, {"path": "/"}) == {"number": 1}


def test_a_function_takes_the_fields_of_an_object_too():
    @implementer(ITidy)
    class Tidy:
        path, days, kinds, colour, notes, secret = "/", 8, (), None, [], None

    assert FunctionTask(declared.tidy, input_schema=ITidy)(None, 1, Tidy()) == {
        "number": 8
    }


def test_without_a_schema_a_function_takes_the_input():
    assert FunctionTask(echo)(None, 1, [1, 2]) == [1, 2]


def test_a_function_without_parameters_takes_no_input():
    made = FunctionTask(declared.nightly)
    assert perform(made, None, 1, None) == "done"
    with pytest.raises(TaskInputError, match="- days: There is no such field"):
        perform(made, None, 1, {"days": 3})


def test_a_context_comes_before_the_fields():
    def move(context, path, **others):
        return context, path

    made = FunctionTask(move, input_schema=ITidy, wants_context=True)
    assert perform(made, None, 1, {"path": "/x"}, "here") == ("here", "/x")
    assert perform(FunctionTask(on, wants_context=True), None, 1, 3, "here") == (
        "here",
        3,
    )
    assert perform(SimpleTask(on, wants_context=True), None, 1, 3, "here") == (
        "here",
        3,
    )


@pytest.mark.parametrize(
    ("function", "options", "call"),
    [
        (lambda path: None, {"input_schema": ITidy}, r"\(path=, days=, "),
        (lambda path, /, **others: None, {"input_schema": ITidy}, r"\(path=, days=, "),
        (lambda one, two: None, {}, r"\(the input\)"),
        (
            lambda one: None,
            {"wants_context": True, "input_schema": ITidy},
            "the context",
        ),
        (lambda: None, {"wants_context": True}, r"\(the context, the input\)"),
        (partial(lambda one, two, three: None, 1), {}, r"\(the input\)"),
    ],
)
def test_a_function_that_does_not_fit_is_refused(function, options, call):
    with pytest.raises(TypeError, match=f"cannot be called with .*{call}"):
        FunctionTask(function, **options)


# Performing


def test_performing_checks_the_input_and_the_output():
    made = SimpleTask(echo, input_schema=ITidy, output_schema=ITidied)
    with pytest.raises(TaskInputError, match="The input of task 'tidy' cannot"):
        perform(made, None, 1, {}, name="tidy")
    with pytest.raises(TaskOutputError, match="The output of task 'tidy' cannot"):
        perform(made, None, 1, {"path": "/x"}, name="tidy")


def test_performing_fills_defaults_in():
    assert perform(SimpleTask(echo, input_schema=ITidy), None, 1, {"path": "/x"}) == {
        "path": "/x",
        "days": 30,
        "kinds": None,
        "colour": None,
        "notes": [],
        "secret": None,
    }


def test_old_tasks_are_called_as_they_were():
    assert perform(OldTask(), "service", 7, {"a": 1}) == ("service", 7, {"a": 1})


def test_a_job_as_the_output_is_left_alone():
    from plone.app.taskqueue.job.asyncjob import AsyncJob

    job = AsyncJob(echo, 1)
    made = SimpleTask(lambda input: job, output_schema=ITidied)
    assert perform(made, None, 1, None) is job


def test_a_task_that_wants_a_context_fails_without_one():
    with pytest.raises(TaskError, match="'move' works on an object"):
        perform(SimpleTask(on, wants_context=True), None, 1, 3, name="move")


# Unique keys


@pytest.mark.parametrize(
    ("unique", "key"),
    [
        (None, None),
        (False, None),
        ("all", "tidy:all"),
        (declared.key_of, "tidy:/x"),
        (lambda input: None, None),
    ],
)
def test_a_unique_key_belongs_to_the_task(unique, key):
    assert unique_key(SimpleTask(echo, unique=unique), "tidy", {"path": "/x"}) == key


def test_the_same_input_has_the_same_key():
    made = SimpleTask(echo, unique=True)
    key = unique_key(made, "tidy", {"a": 1, "b": 2})
    assert key == unique_key(made, "tidy", {"b": 2, "a": 1})
    assert key != unique_key(made, "tidy", {"a": 1, "b": 3})
    assert key != unique_key(made, "other", {"a": 1, "b": 2})


@pytest.mark.parametrize("made", ["", 3])
def test_a_function_that_makes_no_key_is_told_so(made):
    with pytest.raises(TypeError, match="The unique key of task 'tidy' is a string"):
        unique_key(SimpleTask(echo, unique=lambda input: made), "tidy", {})


# Hiding


def test_what_a_task_wants_hidden_is_not_shown():
    made = SimpleTask(echo, input_schema=ITidy, redact=("secret",))
    shown = shown_input(made, {"path": "/x", "secret": "tell-no-one"})
    assert shown == {"path": "/x", "secret": "(hidden)"}
    assert shown_input(made, object()) == "(hidden)"
    assert shown_input(made, None) is None
    assert shown_input(SimpleTask(echo), 3) == 3
