"""Which callables can be queued."""

from datetime import datetime
from functools import partial
from functools import wraps
from persistent.mapping import PersistentMapping
from plone.app.taskqueue.job import callables
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.tests import functions

import os
import pytest
import sys
import types


def counted(function):
    @wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


class Factory:
    def method(self, *args, **kwargs):
        return (self, args, kwargs)

    @counted
    def decorated(self):
        return self

    alias = method

    @classmethod
    def of_class(cls):
        return cls

    @staticmethod
    def static():
        pass

    def __call__(self):
        pass


class Special(Factory):
    def method(self, *args, **kwargs):
        return super().method

    class Inner:
        def method(self):
            return self


class Wrapper:
    """Shows the class of another object, as a wrapper of Zope's does."""

    def __init__(self, wrapped):
        self.wrapped = wrapped

    @property
    def __class__(self):
        return type(self.wrapped)

    def __getattr__(self, name):
        return types.MethodType(getattr(type(self.wrapped), name), self)


def patched(self):
    return self


Special.patch = patched


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
        callables.name_of(function)


def test_a_function_whose_name_now_means_another_is_refused():
    with pytest.raises(ValueError, match="cannot be imported by name"):
        AsyncJob(original)


@pytest.mark.parametrize("thing", [None, 1, "os:getpid"])
def test_what_cannot_be_called_is_refused(thing):
    with pytest.raises(TypeError, match="needs a callable"):
        AsyncJob(thing)


@pytest.mark.parametrize(
    "text",
    ["raise SystemExit(1)", "import sys; sys.exit()", "def f(:", "1 / 0", "exit"],
)
def test_a_module_that_cannot_be_imported_is_one_that_is_missing(
    text, tmp_path, monkeypatch
):
    (tmp_path / "taskqueue_broken.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(LookupError, match="taskqueue_broken:f cannot be imported here"):
        callables.resolve("taskqueue_broken:f")
    monkeypatch.delitem(sys.modules, "taskqueue_broken", raising=False)


@pytest.mark.parametrize("name", ["nowhere.at.all:f", "os:nothing", "os:", ":f", ""])
def test_a_name_that_cannot_be_resolved_is_a_lookup_error(name):
    with pytest.raises(LookupError, match="cannot be imported here"):
        callables.resolve(name)


# What a callable brings along


@pytest.mark.parametrize("function", [functions.give, Factory, Factory.static, len])
def test_a_function_brings_nothing_along(function):
    assert callables.unfold(function) == (callables.name_of(function), (), {})


@pytest.mark.parametrize(
    "name, found",
    [
        ("method", "Factory.method"),
        ("alias", "Factory.method"),
        ("decorated", "Factory.decorated"),
    ],
)
def test_a_method_is_a_function_that_is_given_its_object(name, found):
    owner = Factory()
    unfolded = callables.unfold(getattr(owner, name))
    assert unfolded == (f"{__name__}:{found}", (owner,), {})
    assert callables.resolve(unfolded[0]) is getattr(Factory, name)


def test_an_inherited_method_is_found_in_the_class_that_defines_it():
    owner = Special()
    assert callables.unfold(owner.decorated)[0] == f"{__name__}:Factory.decorated"
    assert callables.unfold(owner.method)[0] == f"{__name__}:Special.method"
    assert callables.unfold(owner.method())[0] == f"{__name__}:Factory.method"
    inner = Special.Inner()
    assert callables.unfold(inner.method)[0] == f"{__name__}:Special.Inner.method"


def test_a_method_that_was_patched_in_is_found():
    owner = Special()
    assert callables.unfold(owner.patch) == (f"{__name__}:patched", (owner,), {})


def test_a_method_whose_function_has_another_name_is_found_in_its_class(monkeypatch):
    def method(self):
        pass

    monkeypatch.setattr(Factory, "method", method)
    for owner in (Special(), Wrapper(Special())):
        assert callables.unfold(types.MethodType(method, owner)) == (
            f"{__name__}:Factory.method",
            (owner,),
            {},
        )


def test_a_method_of_a_wrapped_object_is_given_the_wrapped_object():
    wrapper = Wrapper(Special())
    name, leading, _ = callables.unfold(wrapper.method)
    assert name == f"{__name__}:Special.method"
    assert leading[0] is wrapper


@pytest.mark.parametrize(
    "method, name",
    [
        (Special.of_class, f"{__name__}:Special.of_class"),
        (Special().of_class, f"{__name__}:Special.of_class"),
        (datetime.now, "datetime:datetime.now"),
        (dict.fromkeys, "builtins:dict.fromkeys"),
    ],
)
def test_a_class_method_brings_nothing_along(method, name):
    assert callables.unfold(method) == (name, (), {})
    assert callables.resolve(name) == method


@pytest.mark.parametrize(
    "method, name",
    [
        ("a b".split, "builtins:str.split"),
        ("a b".__len__, "builtins:str.__len__"),
        (PersistentMapping().clear, "persistent.mapping:PersistentMapping.clear"),
    ],
)
def test_a_method_of_a_type_of_python_or_of_a_library_is_found(method, name):
    assert callables.unfold(method) == (name, (method.__self__,), {})


def test_partial_arguments_come_along():
    owner = Factory()
    once = partial(owner.method, 1, x="a", y="b")
    once.note = "with an attribute, it stays a partial of its own"
    twice = partial(once, 2, y="c")
    assert twice.func is once
    assert callables.unfold(twice) == (
        f"{__name__}:Factory.method",
        (owner, 1, 2),
        {"x": "a", "y": "c"},
    )
    name, args, kwargs = callables.unfold(twice)
    assert callables.resolve(name)(*args, **kwargs) == twice()


def test_a_partial_of_what_cannot_be_imported_is_refused():
    with pytest.raises(ValueError, match="it is a lambda"):
        callables.unfold(partial(lambda: None))


def test_a_partial_that_does_more_is_refused():
    class More(partial):
        def __call__(self):
            pass

    with pytest.raises(ValueError, match="cannot be imported by name"):
        callables.unfold(More(len, ""))


def test_a_method_of_a_class_inside_a_function_is_refused():
    class Local:
        def method(self):
            pass

        @classmethod
        def of_class(cls):
            pass

    for method in (Local().method, Local.of_class):
        with pytest.raises(ValueError, match="Move its class to the top of a module"):
            callables.unfold(method)


def test_a_method_of_the_main_program_is_refused(monkeypatch):
    monkeypatch.setattr(Factory, "__module__", "__main__")
    monkeypatch.setattr(Factory.method, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "Factory", Factory, raising=False)
    with pytest.raises(ValueError, match="Move its class to the top of a module"):
        callables.unfold(Factory().method)


@pytest.mark.parametrize("thing", [None, 1, "os:getpid"])
def test_what_cannot_be_called_cannot_be_unfolded(thing):
    with pytest.raises(TypeError, match="needs a callable"):
        callables.unfold(thing)
