"""Callables by name: ``module:qualified.name`` in the record, imported to run.

A name can be read, listed and filtered without importing anything, and a function
that has vanished spoils its own job only.
"""

from collections.abc import Callable
from functools import reduce
from importlib import import_module


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
            "Queue a function or class that is defined at the top of a module."
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
    except Exception as error:
        # A module that is imported may raise anything.
        raise LookupError(
            f"The function {name} cannot be imported here ({error}). Was it renamed, "
            "or does this worker run other code than the process that queued the job?"
        ) from error
