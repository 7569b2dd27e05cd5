"""Methods whose first arguments may be given by name, as plone.app.async's could."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter
from inspect import signature
from typing import Any


def by_name_too(method: Callable) -> Callable:
    """Let positional-only arguments of a method be given by keyword as well.

    Those that are given by position leave their names to the job's own keyword
    arguments.
    """
    names = [
        parameter.name
        for parameter in signature(method).parameters.values()
        if parameter.kind is Parameter.POSITIONAL_ONLY
    ][1:]

    @wraps(method)
    def wrapper(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        for name in names[len(args) :]:
            if name not in kwargs:
                break
            args = (*args, kwargs.pop(name))
        return method(self, *args, **kwargs)

    return wrapper
