"""The latest tick before a time, by asking for next ones only."""

from collections.abc import Callable


def latest(
    next_tick: Callable[[float], float | None], after: float, until: float
) -> float | None:
    """Return the last tick after one time and not after another, or ``None``.

    It halves the span each time, so that years of minutes take some fifty questions.
    """
    tick = next_tick(after)
    if tick is None or tick > until:
        return None
    end = until
    while True:
        following = next_tick(tick)
        if following is None or following > until:
            return tick
        tick = following
        middle = (tick + end) / 2
        beyond = next_tick(middle)
        if beyond is None or beyond > until:
            end = middle
        else:
            tick = beyond
