"""Annotations: what callers and the job itself write down on a job, by name."""

from BTrees.OOBTree import OOBTree
from collections.abc import Iterator
from collections.abc import MutableMapping
from plone.app.taskqueue.job.record import Record
from typing import Any


class Annotations(MutableMapping):
    """A mapping that costs the job nothing until something is written."""

    def __init__(self, job: Record):
        self._job = job

    @property
    def _tree(self) -> Any:
        return self._job.extra("annotations", {})

    def __getitem__(self, name: str) -> Any:
        return self._tree[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if self._job.extra("annotations") is None:
            self._job.set_extra("annotations", OOBTree())
        self._tree[name] = value

    def __delitem__(self, name: str) -> None:
        del self._tree[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tree)

    def __len__(self) -> int:
        return len(self._tree)
