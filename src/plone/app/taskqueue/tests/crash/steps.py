"""The named steps of a job's life, at each of which a process can be made to stand.

The engine knows nothing of them: a process of these tests that is told to stand at a
step wraps the one function that takes it.  Elsewhere they cost nothing.
"""

from plone.app.taskqueue.queue import batching
from plone.app.taskqueue.queue import registry
from plone.app.taskqueue.queue import settling
from plone.app.taskqueue.queue import transitions
from plone.app.taskqueue.queue.directory import journals
from plone.app.taskqueue.queue.directory import shelves
from plone.app.taskqueue.queue.workers import Worker
from plone.app.taskqueue.tests.crash import points
from typing import Any

import inspect
import re


#: Where within the step's transaction: right after the step was taken, when only the
#: storage's "finish" is missing, and when the storage has kept it.
POINTS = ("inside", "voted", "finished")

#: What else a process commits, by name: the module or class, and its function.
_BESIDE = {
    "register": (registry, "register"),
    "unregister": (registry, "unregister"),
    "settle": (settling, "settle"),
    "tell": (batching, "tell"),
    "beat": (Worker, "beat"),
    "file": (journals, "drop"),
    "shelve": (shelves, "replace"),
}


def _transitions() -> dict[str, tuple[Any, str]]:
    """Return the functions of transitions, which have a letter, by their names."""
    return {
        name: (transitions, name)
        for name, function in inspect.getmembers(transitions, inspect.isfunction)
        if re.match(r"[A-Z]+(, [A-Z]+)?: ", function.__doc__ or "")
    }


STEPS = {**_transitions(), **_BESIDE}


def stand_at(step: str, point: str) -> None:
    """Let this process stand wherever it takes the step, at that point of its commit."""
    owner, name = STEPS[step]
    original = getattr(owner, name)

    def take(*args: Any, **options: Any) -> Any:
        result = original(*args, **options)
        _arrange(point, step, args)
        return result

    setattr(owner, name, take)


def _arrange(point: str, step: str, args: tuple) -> None:
    jar = next(
        jar for each in args if (jar := getattr(each, "_p_jar", None)) is not None
    )

    def reached() -> None:
        points.stand(f"{step}, {point}", -1)

    points.arrange_here(point, jar.transaction_manager.get(), reached)
