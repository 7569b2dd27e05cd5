"""Tasks are found where they are declared, by code and by ZCML."""

from functools import partial
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.task import declared_tasks
from plone.app.taskqueue.task import options_of
from plone.app.taskqueue.task import register_tasks
from plone.app.taskqueue.task import SimpleTask
from plone.app.taskqueue.task import task
from plone.app.taskqueue.tests.task import declared
from types import ModuleType
from zope.component import getUtilitiesFor
from zope.component import getUtility
from zope.component import queryUtility
from zope.component.testing import PlacelessSetup
from zope.configuration import xmlconfig
from zope.configuration.config import ConfigurationConflictError
from zope.configuration.exceptions import ConfigurationError
from zope.i18nmessageid import Message
from zope.interface.registry import Components

import plone.app.taskqueue
import pytest


@pytest.fixture
def registry():
    """The global registry, empty for the time of the test."""
    placeless = PlacelessSetup()
    placeless.setUp()
    yield
    placeless.tearDown()


NAMES = ("tidy", "nightly", "second", "first")


# Declaring


def test_a_declared_function_stays_what_it_is():
    assert declared.nightly() == "done"
    assert declared.tidy("/x", 3) == {"number": 3}


def test_importing_declared_tasks_registers_nothing(registry):
    assert list(getUtilitiesFor(ITask)) == []


def test_a_module_has_the_tasks_that_its_own_functions_declare():
    found = declared_tasks(declared)
    assert tuple(found) == NAMES
    assert found["second"].timeout == 60
    assert found["first"].timeout is None
    assert found["tidy"].priority == 5
    assert declared_tasks(declared.__name__) == found


def test_two_functions_cannot_declare_one_name():
    module = ModuleType("twice")
    for attribute in ("one", "two"):

        def function():
            pass

        function.__module__ = "twice"
        setattr(module, attribute, task("same")(function))
    with pytest.raises(ValueError, match="twice declares two tasks named 'same'"):
        declared_tasks(module)


@pytest.mark.parametrize("name", ["", declared.nightly, None])
def test_a_declaration_without_a_name_says_what_to_write(name):
    with pytest.raises(TypeError, match="write @task"):
        task(name)


def test_a_declaration_that_cannot_be_used_is_refused_where_it_stands():
    with pytest.raises(TypeError, match="did you mean 'timeout'"):
        task("x", tmeout=3)(declared.nightly)


class Office:
    def work(self):
        """Not a function of the module."""


@pytest.mark.parametrize("thing", [Office, Office().work, partial(max), len])
def test_what_is_no_function_cannot_be_declared(thing):
    with pytest.raises(TypeError, match="@task declares functions, not"):
        task("x")(thing)


def test_a_method_cannot_be_declared():
    with pytest.raises(TypeError, match=r"Office\.work is a method: move it out"):
        task("x")(Office.work)


# Registering by code


def test_declared_tasks_can_be_registered_by_code_and_again():
    components = Components("mine")
    assert register_tasks(declared, components) == NAMES
    assert register_tasks(declared.__name__, components) == NAMES
    assert components.getUtility(ITask, "tidy") is declared_tasks(declared)["tidy"]


def test_by_default_they_are_registered_globally(registry):
    register_tasks(declared)
    assert {name for name, _ in getUtilitiesFor(ITask)} == set(NAMES)


def test_a_name_that_is_taken_is_refused_and_nothing_registered():
    components = Components("mine")
    components.registerUtility(SimpleTask(str), ITask, "first")
    with pytest.raises(ValueError, match="There is a task 'first' already"):
        register_tasks(declared, components)
    assert components.queryUtility(ITask, "tidy") is None


def test_a_module_without_tasks_is_refused():
    with pytest.raises(ValueError, match="pytest declares no tasks"):
        register_tasks(pytest, Components("mine"))


# ZCML

ZCML = """\
<configure
    xmlns="http://namespaces.zope.org/zope"
    xmlns:taskqueue="http://namespaces.plone.org/taskqueue"
    i18n_domain="my.addon">
  <include package="zope.component" file="meta.zcml" />
  <include package="plone.app.taskqueue" file="meta.zcml" />
  {}
</configure>
"""

HERE = "plone.app.taskqueue.tests.task.declared"


def load(directives, file=None):
    text = ZCML.format(directives)
    if file is None:
        return xmlconfig.string(text)
    file.write_text(text)
    return xmlconfig.file(str(file))


def test_a_function_becomes_a_task_by_zcml(registry):
    load(
        f"""<taskqueue:task name="a" handler="{HERE}.tidy" title="Tidy up"
            description="It tidies" input_schema="{HERE}.ITidy"
            output_schema="{HERE}.ITidied" run_as="caller" timeout="1.5" priority="-3"
            retry="plone.app.taskqueue.job.retry:NeverRetry" unique="one"
            isolated="true" redact="secret path" />"""
    )
    made = getUtility(ITask, "a")
    options = options_of(made)
    assert isinstance(options.title, Message) and options.title.domain == "my.addon"
    assert (options.title, options.description) == ("Tidy up", "It tidies")
    assert (options.input_schema, options.output_schema) == (
        declared.ITidy,
        declared.ITidied,
    )
    assert (options.run_as, options.timeout, options.priority) == ("caller", 1.5, -3)
    assert options.retry == "plone.app.taskqueue.job.retry:NeverRetry"
    assert (options.unique, options.isolated) == ("one", True)
    assert options.redact == ("secret", "path")
    assert made(None, 1, {"path": "/x", "days": 2}) == {"number": 2}


def test_a_factory_makes_a_task_and_zcml_has_the_last_word(registry):
    load(
        f"""<taskqueue:task name="a" factory="{HERE}.EverTask" />
            <taskqueue:task name="b" factory="{HERE}.EverTask" title="Not ever"
                unique_by="{HERE}.key_of" wants_context="yes" wants_user="yes" />"""
    )
    assert getUtility(ITask, "a").title == "Ever"
    options = options_of(getUtility(ITask, "b"))
    assert (options.title, options.unique) == ("Not ever", declared.key_of)
    assert options.wants_context is True
    assert options.wants_user is True


def test_a_module_is_scanned_by_zcml(registry):
    load(f'<taskqueue:scan module="{HERE}" />')
    assert {name for name, _ in getUtilitiesFor(ITask)} == set(NAMES)


def test_a_retry_policy_may_be_registered_further_down(registry):
    load(
        f"""<taskqueue:task name="a" handler="{HERE}.nightly" retry="polite" />
            <adapter for="plone.app.taskqueue.interfaces.IAsyncJob" name="polite"
                provides="plone.app.taskqueue.interfaces.IRetryPolicy"
                factory="{HERE}.polite" />"""
    )
    assert getUtility(ITask, "a").retry == "polite"


@pytest.mark.parametrize(
    "second",
    [
        f'<taskqueue:task name="tidy" handler="{HERE}.nightly" />',
        f'<taskqueue:scan module="{HERE}" />',
        f"""<utility name="tidy" factory="{HERE}.EverTask"
            provides="plone.app.taskqueue.interfaces.ITask" />""",
    ],
)
def test_two_tasks_of_one_name_conflict(registry, second, tmp_path):
    file = tmp_path / "tasks.zcml"
    with pytest.raises(ConfigurationConflictError) as caught:
        load(f'<taskqueue:task name="tidy" handler="{HERE}.tidy" />\n{second}', file)
    assert f'File "{file}", line 7.2' in str(caught.value)
    assert f'File "{file}", line 8.0' in str(caught.value)


@pytest.mark.parametrize(
    ("directive", "sentence"),
    [
        ('<taskqueue:task name="a" />', "has either a factory"),
        (
            f'<taskqueue:task name="a" handler="{HERE}.tidy" factory="{HERE}.tidy" />',
            "has either a factory",
        ),
        (
            f'<taskqueue:task name="a" factory="{HERE}.nightly" />',
            "A function that does the work is no factory",
        ),
        (
            f"""<taskqueue:task name="a" handler="{HERE}.nightly"
                input_schema="{HERE}.ITidy" />""",
            "Task 'a': The task's function nightly cannot be called",
        ),
        (
            f'<taskqueue:task name="a" handler="{HERE}.nightly" timeout="-1" />',
            "Task 'a': A task's timeout is a number of seconds above 0, not -1.0",
        ),
        (
            f"""<taskqueue:task name="a" handler="{HERE}.nightly" unique="a"
                unique_by="{HERE}.key_of" />""",
            "Of unique and unique_by give one",
        ),
        (
            f'<taskqueue:task name="a" handler="{HERE}.nightly" retry="impolite" />',
            "Task 'a': There is no retry policy named 'impolite'",
        ),
        ('<taskqueue:scan module="pytest" />', "pytest declares no tasks"),
        ('<taskqueue:scan module="pytest.raises" />', "is no module"),
        ('<taskqueue:scan module="no.such" />', "no.such|No module"),
    ],
)
def test_a_directive_that_cannot_be_used_is_told_with_file_and_line(
    registry, directive, sentence, tmp_path
):
    file = tmp_path / "tasks.zcml"
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        load(directive, file)
    assert f'File "{file}", line 7.2' in str(caught.value)
    assert queryUtility(ITask, "a") is None or "retry" in directive


def test_the_namespace_is_found_in_the_meta_of_the_package():
    xmlconfig.file("meta.zcml", plone.app.taskqueue)
