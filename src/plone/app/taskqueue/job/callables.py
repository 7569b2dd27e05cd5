"""Callables by name: ``module:qualified.name`` in the record, imported to run.

A name can be read, listed and filtered without importing anything, and a function
that has vanished spoils its own job only.  What a callable brings along, as a method
does its object, becomes arguments, which are stored as all arguments are.
"""

from collections.abc import Callable
from collections.abc import Iterator
from functools import partial
from functools import reduce
from importlib import import_module
from types import BuiltinMethodType
from types import MethodType
from types import MethodWrapperType
from types import ModuleType
from typing import Any


_METHODS = (MethodType, BuiltinMethodType, MethodWrapperType)


def unfold(function: Callable) -> tuple[str, tuple, dict[str, Any]]:
    """Return a name, with the arguments to put before others and by keyword.

    A method of an instance is its class's function with the instance for its first
    argument, and a ``functools.partial`` is its function with its arguments.  Functions,
    classes and class methods bring nothing along.

    ``TypeError``: it is not callable.  ``ValueError``: it has no name under which every
    worker can import it.
    """
    if type(function) is partial:
        name, args, kwargs = unfold(function.func)
        return name, args + function.args, kwargs | function.keywords
    owner = getattr(function, "__self__", None)
    if not isinstance(function, _METHODS) or isinstance(owner, ModuleType | None):
        return name_of(function), (), {}
    leading = () if isinstance(owner, type) else (owner,)
    for name in _names_of_method(function, owner):
        if _means(name, function, owner):
            return name, leading, {}
    owner_class = owner if isinstance(owner, type) else owner.__class__
    raise ValueError(
        f"The method {owner_class.__module__}:{owner_class.__qualname__}."
        f"{function.__name__} cannot be imported by name. Move its class to the top of a "
        "module, or queue a function there that calls the method."
    )


def _names_of_method(method: Callable, owner: Any) -> Iterator[str]:
    """Return where the method may be found, the class that defines it first."""
    if isinstance(owner, type):
        yield f"{owner.__module__}:{owner.__qualname__}.{method.__name__}"
        return
    function = getattr(method, "__func__", None)
    if hasattr(function, "__qualname__"):
        yield f"{function.__module__}:{function.__qualname__}"
    # Its ``__class__``, for a wrapped object's type is that of the wrapper.
    for base in owner.__class__.__mro__:
        if method.__name__ in vars(base):
            yield f"{base.__module__}:{base.__qualname__}.{method.__name__}"


def _means(name: str, method: Callable, owner: Any) -> bool:
    if name.startswith("__main__:"):
        return False
    try:
        found = resolve(name)
    except LookupError:
        return False
    if isinstance(owner, type):
        return found == method
    if isinstance(method, MethodType):
        return found is method.__func__
    return found.__get__(owner) == method


def name_of(function: Callable) -> str:
    """Return the name under which every worker can import ``function``.

    ``TypeError``: it is not callable.  ``ValueError``: it has no such name.
    """
    if not callable(function):
        raise TypeError(f"A job needs a callable to run, not {function!r}.")
    module = getattr(function, "__module__", None)
    qualname = getattr(function, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(qualname, str)):
        raise ValueError(
            f"{function!r} cannot be imported by name. "
            "Queue a function or class that is defined at the top of a module, or a "
            "method of an object."
        )
    name = f"{module}:{qualname}"
    if module == "__main__":
        raise ValueError(
            f"{name} is defined in the program that runs, where workers cannot import "
            "it. Move it to a module and import it from there."
        )
    try:
        found = resolve(name)
    except LookupError:
        found = None
    if found is not function:
        raise ValueError(
            f"{name} cannot be imported by name: it is a lambda, a method, or defined "
            "inside a function. Move it to the top of a module."
        )
    return name


def resolve(name: str) -> Callable:
    """Import the callable of that name.  ``LookupError`` says what is missing."""
    module_name, _, qualname = name.partition(":")
    try:
        # Not from ``sys.modules``: a module is there, half made, while another thread
        # imports it.  This waits for that thread.
        module = import_module(module_name)
        return reduce(getattr, qualname.split("."), module)
    except (Exception, SystemExit) as error:
        # A module that is imported may raise anything, and a script ends.
        raise LookupError(
            f"The function {name} cannot be imported here ({error}). Was it renamed, "
            "or does this worker run other code than the process that queued the job?"
        ) from error
