"""Jobs that tell the test, and hear of it, by named pipes."""

from pathlib import Path
from plone.app.taskqueue.local import checkpoint

import os


def tell_and_wait(begun: str, end: str) -> None:
    """Say that it runs, and end when told to."""
    Path(begun).write_text(str(os.getpid()))
    Path(end).read_text()


def tell(begun: str) -> None:
    """Say in which process it runs."""
    Path(begun).write_text(str(os.getpid()))


def ask_for_ever(begun: str) -> None:
    """Say that it runs, and run until a checkpoint ends it."""
    tell(begun)
    while True:
        checkpoint()


_kept = []


def grow(megabytes: int) -> None:
    """Take memory and keep it."""
    _kept.append(bytearray(os.urandom(1_000_000) * megabytes))
