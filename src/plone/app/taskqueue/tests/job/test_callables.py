"""Which callables can be queued."""

from functools import partial
from plone.app.taskqueue.job import callables
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.tests import functions

import os
import pytest
import types


class Factory:
    def method(self):
        pass

    @classmethod
    def of_class(cls):
        pass

    @staticmethod
    def static():
        pass

    def __call__(self):
        pass


def decorated():
    pass


original = decorated


def decorated():
    pass


@pytest.mark.parametrize(
    "function", [functions.nothing, Factory, Factory.static, os.getpid, len]
)
def test_what_can_be_imported_by_name_can_be_queued(function):
    assert AsyncJob(function).callable is function


def test_the_name_has_module_and_qualified_name():
    name = AsyncJob(Factory.static).function_name
    assert name == f"{__name__}:Factory.static"


def test_a_lambda_is_refused():
    with pytest.raises(ValueError, match="it is a lambda"):
        AsyncJob(lambda: None)


def test_a_function_inside_a_function_is_refused():
    def inner():
        pass

    with pytest.raises(ValueError, match="defined inside a function"):
        AsyncJob(inner)


def test_a_function_of_the_main_program_is_refused():
    function = types.FunctionType((lambda: None).__code__, {}, "function")
    function.__module__ = "__main__"
    function.__qualname__ = "function"
    with pytest.raises(ValueError, match="where workers cannot import it"):
        AsyncJob(function)


@pytest.mark.parametrize("function", [Factory().method, partial(len, ""), Factory()])
def test_what_has_no_importable_name_is_refused(function):
    with pytest.raises(ValueError, match="cannot be imported by name"):
        AsyncJob(function)


def test_a_function_whose_name_now_means_another_is_refused():
    with pytest.raises(ValueError, match="cannot be imported by name"):
        AsyncJob(original)


@pytest.mark.parametrize("thing", [None, 1, "os:getpid"])
def test_what_cannot_be_called_is_refused(thing):
    with pytest.raises(TypeError, match="needs a callable"):
        AsyncJob(thing)


@pytest.mark.parametrize("name", ["nowhere.at.all:f", "os:nothing", "os:", ":f", ""])
def test_a_name_that_cannot_be_resolved_is_a_lookup_error(name):
    with pytest.raises(LookupError, match="cannot be imported here"):
        callables.resolve(name)
