"""How fast functions were here lately: who may share a transaction and a claim.

Known to this process only, and forgotten with it: a wrong guess costs a moment.
"""

from collections.abc import Callable

import math
import threading
import time


#: A run that takes longer than this was slow, in seconds: the next may be too, and has a
#: transaction to itself.
SLOW = 0.05
#: After one that took longer than this the next has also a claim to itself.  Else a claim
#: of slow ones takes their share of what waits: on a busy machine many runs are slow, and
#: claims of one job would make it busier still.
LONG = 0.15
#: Seconds for which a function runs alone after it failed, and at most if it was slow.
ALONE = 60.0
#: How many times as long as it took a function that was slow runs alone.  A function
#: whose every job is as slow costs its neighbours a twentieth of the time; one that
#: only a busy machine held up is soon fast again.
_TIMES = 20
#: Weight of the newest run in the average.
_WEIGHT = 0.3


class Pace:
    """Average run times by function name.  Thread-safe.

    ``clock()`` returns seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._average: dict[str, float] = {}
        #: Until when functions have transactions, and claims, to themselves.
        self._unshared_until: dict[str, float] = {}
        self._alone_until: dict[str, float] = {}

    def ran(self, function_name: str, seconds: float) -> None:
        """Learn from a run."""
        average = self._average.get(function_name)
        average = (
            seconds if average is None else average + _WEIGHT * (seconds - average)
        )
        with self._lock:
            self._average[function_name] = average
        # One slow run is enough: the next may keep its neighbours waiting as long.
        alone = min(_TIMES * seconds, ALONE)
        if seconds > SLOW:
            self._extend(self._unshared_until, function_name, alone)
        if seconds > LONG:
            self._extend(self._alone_until, function_name, alone)

    def stumbled(self, function_name: str, for_good: bool = False) -> None:
        """It failed: let it run alone for a while, or for good."""
        alone = math.inf if for_good else ALONE
        self._extend(self._unshared_until, function_name, alone)
        self._extend(self._alone_until, function_name, alone)

    def _extend(self, ends: dict[str, float], function_name: str, by: float) -> None:
        until = self._clock() + by
        with self._lock:
            ends[function_name] = max(ends.get(function_name, 0), until)

    def expected(self, function_name: str) -> float | None:
        """Return the seconds that a run should take; ``None`` if it is claimed alone.

        A function that was not seen here yet is claimed alone too.
        """
        if self._lasts(self._alone_until, function_name):
            return None
        return self._average.get(function_name)

    def expected_in_group(self, function_name: str) -> float | None:
        """Return the same; ``None`` if it has also a transaction to itself."""
        if self._lasts(self._unshared_until, function_name):
            return None
        return self.expected(function_name)

    def _lasts(self, ends: dict[str, float], function_name: str) -> bool:
        until = ends.get(function_name)
        if until is None:
            return False
        if self._clock() < until:
            return True
        with self._lock:
            # Another thread may have extended it.
            if ends.get(function_name) == until:
                del ends[function_name]
        return False
