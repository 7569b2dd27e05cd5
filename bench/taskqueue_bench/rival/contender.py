"""One queue with its workers at work, round by round."""

from abc import ABC
from abc import abstractmethod
from contextlib import ExitStack


class Contender(ABC):
    """Workers of one queue, from start to end; a context manager."""

    #: How many objects its jobs change, each one.
    objects: int

    def __init__(self, name: str):
        self.name = name
        self._stack = ExitStack()

    def __enter__(self) -> "Contender":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers."""
        self._stack.close()

    @abstractmethod
    def start(self) -> None:
        """Start the workers, without waiting for those that take long."""

    @abstractmethod
    def run(self, number: int) -> float:
        """Let the workers run the jobs of a round; return jobs per second.

        The first round, 0, has few jobs and is there to warm up.
        """
