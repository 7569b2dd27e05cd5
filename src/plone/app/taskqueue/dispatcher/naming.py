"""Which queues are meant by names and patterns that people write."""

from collections.abc import Sequence
from fnmatch import fnmatchcase


#: How people write the name of the default queue, which is empty.
DEFAULT = "default"


def is_named(name: str, patterns: Sequence[str]) -> bool:
    """Say whether a queue of that name is meant; without patterns all are."""
    return not patterns or any(
        fnmatchcase(name or DEFAULT, pattern) for pattern in patterns
    )


def shown(name: str) -> str:
    """Return the name of a queue as people are to read and write it."""
    return name or DEFAULT
