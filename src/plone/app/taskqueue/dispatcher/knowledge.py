"""Which functions this process can import: in a rolling deployment not all can all."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from plone.app.taskqueue import clock
from plone.app.taskqueue.job import callables
from plone.app.taskqueue.job import taskjob

import logging


logger = logging.getLogger("plone.app.taskqueue.dispatcher")

#: Seconds for which a function stays unknown.  Code does not often come to a process that
#: runs, but what a module needs when it is imported may.
_FORGET = 60.0
#: The same for tasks, of which only a run can tell whether they are there.
_FORGET_TASK = 600.0


class Knowledge:
    """What was found out; all threads of a dispatcher may ask."""

    def __init__(self, only: Sequence[str] = ()) -> None:
        #: Patterns of the functions that it is to run; none: all.
        self._only = tuple(only)
        self._known: set[str] = set()
        #: When it may be looked for again, by the function's name.
        self._unknown: dict[str, float] = {}

    def knows(self, function_name: str) -> bool:
        """Say whether the function of that name can be imported; imports it.

        A task is taken for known until one of its jobs was missing it: its service
        looks for it in its own site.  What is not wanted is not known.
        """
        if function_name in self._known:
            return True
        if not self.wants(function_name):
            return False
        again = self._unknown.get(function_name)
        if again is not None and clock.monotonic() < again:
            return False
        if function_name.startswith(taskjob.PREFIX):
            return True
        try:
            callables.resolve(function_name)
        except LookupError as error:
            if again is None:
                logger.warning(
                    "%s Its jobs wait for a worker that has it; cancel them if there "
                    "will be none.",
                    error,
                )
            self._unknown[function_name] = clock.monotonic() + _FORGET
            return False
        self._known.add(function_name)
        self._unknown.pop(function_name, None)
        return True

    def wants(self, function_name: str) -> bool:
        """Say whether this process is to run the function at all."""
        return not self._only or any(
            fnmatchcase(function_name, pattern) for pattern in self._only
        )

    def misses(self, function_name: str) -> None:
        """Take note that a job's task is not here, and left to other workers."""
        if function_name not in self._unknown:
            logger.warning(
                "The task %r is not here, and there are workers of other code. Its jobs "
                "wait for one that has it; cancel them if there will be none.",
                function_name.removeprefix(taskjob.PREFIX),
            )
        self._unknown[function_name] = clock.monotonic() + _FORGET_TASK
