"""What the measured jobs call."""

from plone.app.taskqueue import local
from typing import Any

import time


def noop(*args: Any) -> None:
    """Do nothing."""


def stamp() -> float:
    """Return when the job runs, on a clock that all processes of a host share."""
    return time.monotonic()


def burn(rounds: int) -> None:
    """Keep a core busy; how long a round takes is the machine's affair."""
    number = 0
    for _ in range(rounds):
        number = (number * 1_103_515_245 + 12_345) % 2_147_483_648


def rest(seconds: float) -> None:
    """Wait as for somebody's answer, and leave the core to others."""
    time.sleep(seconds)


def increase(owner: str, number: int) -> None:
    """Change an object as a raw commit does."""
    local.getJob()._p_jar.root()[owner][number].value += 1
