"""Times as people write them, for the tests of schedules."""

from datetime import datetime
from datetime import timedelta
from datetime import UTC
from zoneinfo import ZoneInfo


def at(text: str, zone: str = "UTC", fold: int = 0) -> float:
    """Return the seconds since the epoch of a wall time; ``fold=1``: its second pass."""
    wall = datetime.fromisoformat(text)
    return wall.replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def told(seconds: float | None, zone: str = "UTC") -> str | None:
    """Return what the clock shows then, with its offset from UTC unless that is 0."""
    if seconds is None:
        return None
    shown = datetime.fromtimestamp(seconds, ZoneInfo(zone))
    offset = shown.utcoffset() or timedelta()
    return f"{shown:%Y-%m-%d %H:%M:%S}" + (f" {shown:%z}" if offset else "")


def chain(times, start: float, count: int) -> list[float | None]:
    """Return the first times after a start, each asked for with the one before."""
    found = []
    for _ in range(count):
        start = times.next_after(start)
        found.append(start)
        if start is None:
            break
    return found


def utc(*parts: int) -> datetime:
    """Return a time in UTC."""
    return datetime(*parts, tzinfo=UTC)
