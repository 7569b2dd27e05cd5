"""Numbers for jobs: consecutive within a process, and far from those of others.

So that processes which add jobs at the same time rarely draw the same one.  Origin:
lovely.remotetask, which forgot the next one with the service's volatile attributes.
"""

from collections.abc import Container

import random
import threading


_lock = threading.Lock()
#: The next number to try, by the name of a service's queue.
_next: dict[str, int] = {}


def draw(name: str, taken: Container[int], limit: int) -> int:
    """Return a number below ``limit`` that is not taken.  Thread-safe."""
    with _lock:
        number = _next.get(name)
        while number is None or number >= limit or number in taken:
            number = random.randrange(limit)
        _next[name] = number + 1
        return number


def suggest(name: str, number: int) -> None:
    """Let the next number be this one, if it is not taken then.  Thread-safe."""
    with _lock:
        _next[name] = number
