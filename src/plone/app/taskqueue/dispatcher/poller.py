"""The net beneath all wake-ups: a look at the queue now and then."""

from collections.abc import Callable
from ZODB.interfaces import IConnection


class Poller:
    """Rings, so that one idle thread looks for jobs."""

    def __init__(self, interval: float, ring: Callable[[], None]):
        self.interval = interval
        self._ring = ring

    def run(self, connection: IConnection) -> None:
        self._ring()
