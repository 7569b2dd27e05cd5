"""How fast functions were here lately: who may share a transaction and a claim.

Known to this process only, and forgotten with it: a wrong guess costs a moment.
"""

import math
import threading
import time


#: A function slower than this on average is slow, in seconds.
SLOW = 0.05
#: Seconds for which a function runs alone after it was slow or failed.
ALONE = 60.0
#: Weight of the newest run in the average.
_WEIGHT = 0.3


class Pace:
    """Average run times by function name.  Thread-safe."""

    def __init__(self) -> None:
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
            self.stumbled(function_name)

    def stumbled(self, function_name: str, for_good: bool = False) -> None:
        """It was slow, or failed: let it run alone for a while, or for good."""
        until = math.inf if for_good else time.monotonic() + ALONE
        with self._lock:
            known = self._alone_until.get(function_name, 0)
            self._alone_until[function_name] = max(known, until)

    def expected(self, function_name: str) -> float | None:
        """Return the seconds that a run should take; ``None`` if it must run alone.

        A function that was not seen here yet runs alone too.
        """
        until = self._alone_until.get(function_name)
        if until is not None:
            if time.monotonic() < until:
                return None
            with self._lock:
                self._alone_until.pop(function_name, None)
        return self._average.get(function_name)
