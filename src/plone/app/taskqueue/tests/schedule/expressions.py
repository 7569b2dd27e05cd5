"""Random crontab expressions whose meaning is known without reading them."""

from dataclasses import dataclass
from datetime import datetime
from hypothesis import strategies as st


@dataclass(frozen=True)
class Field:
    """What is written in a field and the values that it stands for."""

    text: str
    values: frozenset[int]


@dataclass(frozen=True)
class Expression:
    """Five fields; days of the week are 0 for Sunday to 6."""

    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field

    def __str__(self) -> str:
        fields = (self.minute, self.hour, self.day, self.month, self.weekday)
        return " ".join(field.text for field in fields)

    @property
    def either_day(self) -> bool:
        """Say whether one of the two days is enough."""
        return not (self.day.text.startswith("*") or self.weekday.text.startswith("*"))

    @property
    def every_hour(self) -> bool:
        return len(self.hour.values) == 24

    def is_on(self, shown: datetime) -> bool:
        """Say whether the day of a wall time is one of the expression's."""
        day = shown.day in self.day.values
        weekday = shown.isoweekday() % 7 in self.weekday.values
        right = (day or weekday) if self.either_day else (day and weekday)
        return right and shown.month in self.month.values

    def matches(self, shown: datetime) -> bool:
        """Say whether a wall time is one of the expression's."""
        return (
            shown.minute in self.minute.values
            and shown.hour in self.hour.values
            and self.is_on(shown)
        )


def any_of(low: int, high: int) -> st.SearchStrategy[Field]:
    """Return a strategy for a star."""
    return st.just(Field("*", frozenset(range(low, high + 1))))


def few_of(low: int, high: int, most: int = 3) -> st.SearchStrategy[Field]:
    """Return a strategy for a list of values."""
    values = st.frozensets(st.integers(low, high), min_size=1, max_size=most)
    return values.map(lambda some: Field(",".join(map(str, some)), some))


def span_of(low: int, high: int) -> st.SearchStrategy[Field]:
    """Return a strategy for a range, perhaps with a step."""

    def make(ends: tuple[int, int], step: int) -> Field:
        first, last = sorted(ends)
        text = f"{first}-{last}" + (f"/{step}" if step > 1 else "")
        return Field(text, frozenset(range(first, last + 1, step)))

    ends = st.tuples(st.integers(low, high), st.integers(low, high)).filter(
        # Of one value with a step cronsim makes all from there.
        lambda pair: pair[0] != pair[1]
    )
    return st.builds(make, ends, st.integers(1, 7))


def steps_of(low: int, high: int) -> st.SearchStrategy[Field]:
    """Return a strategy for a star with a step."""
    return st.integers(1, 12).map(
        lambda step: Field(f"*/{step}", frozenset(range(low, high + 1, step)))
    )


def field(low: int, high: int) -> st.SearchStrategy[Field]:
    """Return a strategy for anything that may be in a field."""
    kinds = (any_of, few_of, span_of, steps_of)
    return st.one_of([kind(low, high) for kind in kinds])


def is_possible(expression: Expression) -> bool:
    """Say whether some date is one of the expression's, without asking it."""
    leap_years = (datetime(year, month, day) for year, month, day in _dates())
    return any(expression.is_on(shown) for shown in leap_years)


def _dates() -> list[tuple[int, int, int]]:
    lengths = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return [
        # Leap years that begin with each of the seven days.
        (year, month, day)
        for year in range(2000, 2028, 4)
        for month, length in enumerate(lengths, 1)
        for day in range(1, length + 1)
    ]


#: Any expression.
EXPRESSIONS = st.builds(
    Expression, field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6)
)
#: Expressions of a few times a day at most.
SELDOM = st.builds(
    Expression,
    few_of(0, 59, 2),
    few_of(0, 23, 2),
    field(1, 31),
    any_of(1, 12) | field(1, 12),
    field(0, 6),
)
#: Expressions of every hour on a few days.
HOURLY = st.builds(
    Expression,
    few_of(0, 59, 2),
    any_of(0, 23),
    few_of(1, 31, 2),
    few_of(1, 12),
    any_of(0, 6),
)
