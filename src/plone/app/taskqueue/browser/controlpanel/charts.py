"""Small bar charts of what has ended: drawn here, so that no script is needed.

What failed is hatched and stands upon what was completed, so that the two can be told
apart without colours; each bar says in words what it stands for.
"""

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from plone.app.taskqueue import _
from plone.app.taskqueue.administration.throughput import Bar
from plone.app.taskqueue.browser.times import clock_time
from typing import Any


#: Of the drawing, in its own units: it is as wide as the page gives it room.
WIDTH, HEIGHT = 560, 150
_TOP, _BOTTOM, _LEFT = 8, 24, 44
#: Part of its room that a bar leaves empty.
_GAP = 0.25
#: Lowest height at which something that is not nothing can be seen.
_SEEN = 3.0


@dataclass(frozen=True)
class Drawn:
    """One bar: where it is, and what it says."""

    x: float
    width: float
    completed_y: float
    completed_height: float
    failed_y: float
    failed_height: float
    #: From when, such as ``10:00``.
    start: str
    #: From when to when, such as ``10:00-10:05``.
    when: str
    completed: int
    failed: int
    text: Any


class Chart:
    """The bars of some stretches of time."""

    width, height = WIDTH, HEIGHT
    left, right = _LEFT, WIDTH
    base = HEIGHT - _BOTTOM
    top = _TOP

    def __init__(self, name: str, bars: Sequence[Bar]) -> None:
        #: Tells the charts of a page apart.
        self.name = name
        self._bars = bars
        self.completed = sum(bar.completed for bar in bars)
        self.failed = sum(bar.failed for bar in bars)
        self.most = max((bar.completed + bar.failed for bar in bars), default=0)

    def bars(self) -> list[Drawn]:
        """Return the bars from left to right."""
        room = (self.right - self.left) / max(1, len(self._bars))
        return [
            self._drawn(bar, self.left + number * room, room)
            for number, bar in enumerate(self._bars)
        ]

    def marks(self) -> list[tuple[float, str]]:
        """Return where beneath the bars which times stand."""
        drawn = self.bars()
        step = max(1, len(drawn) // 4)
        return [(bar.x, bar.start) for bar in drawn[::step]]

    def _drawn(self, bar: Bar, x: float, room: float) -> Drawn:
        completed = self._height(bar.completed)
        failed = self._height(bar.failed)
        start = clock_time(bar.since)
        when = f"{start}-{clock_time(bar.until)}"
        completed_y = self.base - completed
        return Drawn(
            x=round(x + room * _GAP / 2, 1),
            width=round(room * (1 - _GAP), 1),
            completed_y=round(completed_y, 1),
            completed_height=round(completed, 1),
            failed_y=round(completed_y - failed, 1),
            failed_height=round(failed, 1),
            start=start,
            when=when,
            completed=bar.completed,
            failed=bar.failed,
            text=_(
                "chart_bar",
                default="${when}: ${completed} completed, ${failed} failed",
                mapping={
                    "when": when,
                    "completed": bar.completed,
                    "failed": bar.failed,
                },
            ),
        )

    def _height(self, count: int) -> float:
        if not count:
            return 0.0
        # Room for the two smallest at the top of the highest.
        whole = self.base - self.top - 2 * _SEEN
        return _SEEN + whole * count / self.most


def hour_text(chart: Chart, shown: Callable[[int], str]) -> Any:
    """Return what the chart of the last hour says, in a sentence."""
    return _(
        "chart_hour",
        default="In the last hour: ${completed} completed, ${failed} failed.",
        mapping={"completed": shown(chart.completed), "failed": shown(chart.failed)},
    )


def day_text(chart: Chart, shown: Callable[[int], str]) -> Any:
    """Return what the chart of the last day says, in a sentence."""
    return _(
        "chart_day",
        default="In the last 24 hours: ${completed} completed, ${failed} failed.",
        mapping={"completed": shown(chart.completed), "failed": shown(chart.failed)},
    )
