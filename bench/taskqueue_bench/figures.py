"""Medians, quartiles and percentiles, and how they are written."""

from collections.abc import Sequence
from dataclasses import dataclass

import statistics


@dataclass(frozen=True)
class Spread:
    """The middle half of some measurements."""

    median: float
    lower: float
    upper: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, lower, upper, len(values))

    def text(self, digits: int = 2) -> str:
        """Return ``median (lower to upper)``."""
        return (
            f"{self.median:,.{digits}f} ({self.lower:,.{digits}f}-"
            f"{self.upper:,.{digits}f})"
        )


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that ``percent`` of the values do not exceed."""
    ordered = sorted(values)
    place = min(len(ordered) - 1, max(0, round(percent / 100 * (len(ordered) - 1))))
    return ordered[place]
