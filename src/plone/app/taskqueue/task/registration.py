"""Tasks that are declared where their function is: ``@task`` and who finds them.

Importing a module with declared tasks registers nothing.
"""

from collections.abc import Callable
from importlib import import_module
from inspect import isfunction
from plone.app.taskqueue.interfaces import ITask
from plone.app.taskqueue.task.function import FunctionTask
from types import ModuleType
from typing import Any
from zope.component import getGlobalSiteManager
from zope.interface.interfaces import IComponentRegistry


#: The attribute of a function that holds its tasks: pairs of name and task.
_MARKER = "__taskqueue_tasks__"


def task(name: str, **options: Any) -> Callable[[Callable], Callable]:
    """Declare the function as a task of that name; it stays what it is.

    .. code-block:: python

        @task("tidy", input_schema=ITidy, title=_("Tidy up"))
        def tidy(path="", days=30): ...

    The function takes the fields of ``input_schema`` as keyword arguments, see
    ``FunctionTask``; ``options`` are those of ``TaskOptions``.  Nothing is registered
    until the module is named in ``<taskqueue:scan module="..." />`` or given to
    ``register_tasks``.  ``TypeError`` and ``ValueError``: an option cannot be used, or
    the function does not fit the schema.  ``TypeError``: it is none, or a method, which
    nobody would find.
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"A task has a name: write @task('name'), not @task({name!r}).")

    def declare(function: Callable) -> Callable:
        _check_findable(function)
        declared = FunctionTask(function, **options)
        others = getattr(function, _MARKER, ())
        setattr(function, _MARKER, (*others, (name, declared)))
        return function

    return declare


def _check_findable(function: Callable) -> None:
    if not isfunction(function):
        raise TypeError(
            f"@task declares functions, not {function!r}: register that as a utility, "
            "SimpleTask(...) or one of its own class."
        )
    outer = function.__qualname__.rpartition(".")[0]
    if outer and not outer.endswith("<locals>"):
        raise TypeError(
            f"@task declares functions, and {function.__qualname__} is a method: move "
            "it out of its class."
        )


def declared_tasks(module: ModuleType | str) -> dict[str, FunctionTask]:
    """Return the tasks that are declared in a module, by name.

    Functions that it has imported from others are not looked at, nor are modules inside
    a package.  ``ValueError``: two functions declare the same name.
    """
    if isinstance(module, str):
        module = import_module(module)
    found: dict[str, FunctionTask] = {}
    for value in list(vars(module).values()):
        if not isfunction(value) or value.__module__ != module.__name__:
            continue
        for name, declared in getattr(value, _MARKER, ()):
            if found.setdefault(name, declared) is not declared:
                raise ValueError(
                    f"{module.__name__} declares two tasks named {name!r}: "
                    f"{found[name]!r} and {declared!r}."
                )
    return found


def register_tasks(
    module: ModuleType | str, registry: IComponentRegistry | None = None
) -> tuple[str, ...]:
    """Register the tasks that are declared in a module; return their names.

    ``registry`` is by default the global one.  May be called again.  ``ValueError``:
    there are no tasks, or another task has that name already; none is registered then.
    """
    if registry is None:
        registry = getGlobalSiteManager()
    declared = declared_tasks(module)
    if not declared:
        raise ValueError(
            f"{getattr(module, '__name__', module)} declares no tasks: is @task('name') "
            "above its functions?"
        )
    taken = {
        each.name: each.component
        for each in registry.registeredUtilities()
        if each.provided is ITask
    }
    for name, component in declared.items():
        if taken.get(name, component) is not component:
            raise ValueError(
                f"There is a task {name!r} already, {taken[name]!r}; so {component!r} "
                "needs another name."
            )
    for name, component in declared.items():
        if name not in taken:
            registry.registerUtility(component, ITask, name)
    return tuple(declared)
