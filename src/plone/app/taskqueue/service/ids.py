"""Numbers for jobs: consecutive within a process, and far from those of others.

So that processes which add jobs at the same time rarely draw the same one.  Origin:
lovely.remotetask, which forgot the next one with the service's volatile attributes.
"""

from collections.abc import Container
from itertools import chain

import random
import threading


_lock = threading.Lock()
#: The next number to try, by the name of a service's queue.
_next: dict[str, int] = {}
#: Numbers that are guessed before free ones are looked for in order.
_GUESSES = 100


def draw(name: str, taken: Container[int], limit: int) -> int:
    """Return a number below ``limit`` that is not taken.  Thread-safe.

    ``ValueError``: all are taken.
    """
    with _lock:
        number = _next.get(name)
        if number is None or number >= limit or number in taken:
            number = _draw_anew(taken, limit)
        _next[name] = number + 1
        return number


def _draw_anew(taken: Container[int], limit: int) -> int:
    guesses = (random.randrange(limit) for _ in range(_GUESSES))
    for number in chain(guesses, range(limit)):
        if number not in taken:
            return number
    raise ValueError(
        f"The service has a job for each of the {limit} ids that it may give: clean() "
        "forgets those that have ended."
    )


def suggest(name: str, number: int) -> None:
    """Let the next number be this one, if it is not taken then.  Thread-safe."""
    with _lock:
        _next[name] = number
