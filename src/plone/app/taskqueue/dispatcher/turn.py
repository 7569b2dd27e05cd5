"""A turn: what one thread has claimed at once, and how long it has been at it."""

from plone.app.taskqueue.dispatcher.fairness import Fairness
from plone.app.taskqueue.dispatcher.fairness import LaneId
from plone.app.taskqueue.job.asyncjob import AsyncJob
from plone.app.taskqueue.queue.claiming import is_before_in_order
from plone.app.taskqueue.queue.claiming import Knows
from plone.app.taskqueue.queue.claiming import waiting_lanes
from plone.app.taskqueue.queue.leases import Lease
from plone.app.taskqueue.queue.queue import Queue

import time


class Turn:
    """The jobs that a lease holds, in their order, from when it was claimed.

    Used by the thread that has claimed.
    """

    def __init__(self, queue: Queue, lease: Lease, held: list[tuple[int, AsyncJob]]):
        self.queue_name = queue.name
        #: Of the first of them; empty if there is none.
        self.function_name = held[0][1].function_name if held else ""
        self._lane = _lane_of(lease, held)
        # As they were claimed: a job that is put off has another key afterwards.
        self._keys = [job.key for _, job in held]
        self._began = self._looked = time.perf_counter()

    def is_time_to_look(self, seconds: float) -> bool:
        """Say whether the last time, or its beginning, was so many seconds ago."""
        now = time.perf_counter()
        if now - self._looked < seconds:
            return False
        self._looked = now
        return True

    def must_wait(
        self, fairness: Fairness, queue: Queue, knows: Knows, left: int
    ) -> bool:
        """Say whether others in its queue are to be served before what is left of it."""
        done, rest = self._split(left)
        quota_names, awaited = self._lane
        if not awaited and is_before_in_order(queue, quota_names, rest[0], knows):
            return True
        waiting = waiting_lanes(queue, knows)
        seconds = time.perf_counter() - self._began
        return fairness.is_anybody_before(
            queue, waiting, self._lane, done, rest, seconds
        )

    def end(self, fairness: Fairness, left: int) -> None:
        """Let those whose jobs were run stand back for as long as that took."""
        done, _ = self._split(left)
        seconds = time.perf_counter() - self._began
        fairness.served(self.queue_name, self._lane, done, seconds)

    def _split(self, left: int) -> tuple[list[int], list[int]]:
        done = len(self._keys) - left
        return self._keys[:done], self._keys[done:]


def _lane_of(lease: Lease, held: list[tuple[int, AsyncJob]]) -> LaneId:
    awaited = bool(held and lease.quota_names and held[0][1].watchers)
    return lease.quota_names, awaited
