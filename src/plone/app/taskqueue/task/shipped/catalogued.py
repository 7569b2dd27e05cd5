"""The paths that a catalog knows, in order and from any point on."""

from itertools import islice
from plone.app.taskqueue.task.errors import TaskError
from plone.app.taskqueue.task.shipped.place import at
from Products.CMFCore.indexing import processQueue
from typing import Any


class Catalogued:
    """What a catalog knows at a physical path and below it.

    ``TaskError``: nothing, and there is nothing at the path.
    """

    def __init__(self, catalog: Any, path: str) -> None:
        # The path itself comes first: what follows a path in the alphabet, such as
        # "/news-old", need not be below it.
        processQueue()
        self._paths = catalog._catalog.uids
        self._top = path
        self._low = f"{path}/"
        self._high = f"{path}0"  # the character after the slash
        if not self.following("", 1) and at(path) is None:
            raise TaskError(f"There is nothing at {path}: was it moved or deleted?")

    def __len__(self) -> int:
        below = self._paths.keys(self._low, self._high, excludemax=True)
        return len(below) + (self._top in self._paths)

    def following(self, last: str, limit: int) -> list[str]:
        """Return the next paths after ``last``, which is one of them or ``""``."""
        found = []
        if not last:
            if self._top in self._paths:
                found.append(self._top)
            last = self._low
        low = max(last, self._low)
        below = self._paths.keys(low, self._high, excludemin=True, excludemax=True)
        return found + list(islice(below, limit - len(found)))
