"""How fast functions were here lately: who may share a transaction and a claim.

Known to this process only, and forgotten with it: a wrong guess costs a moment.
"""

from collections.abc import Callable

import math
import threading
import time


#: A run that takes longer than this was slow, in seconds.
SLOW = 0.05
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
        if seconds > SLOW:
            self._keep_alone(function_name, min(_TIMES * seconds, ALONE))

    def stumbled(self, function_name: str, for_good: bool = False) -> None:
        """It failed: let it run alone for a while, or for good."""
        self._keep_alone(function_name, math.inf if for_good else ALONE)

    def _keep_alone(self, function_name: str, seconds: float) -> None:
        until = self._clock() + seconds
        with self._lock:
            known = self._alone_until.get(function_name, 0)
            self._alone_until[function_name] = max(known, until)

    def expected(self, function_name: str) -> float | None:
        """Return the seconds that a run should take; ``None`` if it must run alone.

        A function that was not seen here yet runs alone too.
        """
        until = self._alone_until.get(function_name)
        if until is not None:
            if self._clock() < until:
                return None
            with self._lock:
                self._alone_until.pop(function_name, None)
        return self._average.get(function_name)
