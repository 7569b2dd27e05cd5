"""What the measured jobs call."""

from typing import Any

import time


def noop(*args: Any) -> None:
    """Do nothing."""


def stamp() -> float:
    """Return when the job runs, on a clock that all processes of a host share."""
    return time.monotonic()
