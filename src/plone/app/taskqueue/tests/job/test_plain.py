"""Plain values, and what is refused instead of being kept."""

from datetime import datetime
from datetime import timedelta
from datetime import UTC
from decimal import Decimal
from persistent.mapping import PersistentMapping
from plone.app.taskqueue.job import plain
from plone.app.taskqueue.job.states import State
from plone.app.taskqueue.tests.functions import Sub

import pytest
import threading


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        10**30,
        0.5,
        "text",
        "\udce4",
        b"bytes",
        (1, [2, {3}], {"four": frozenset({5})}),
        datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        timedelta(seconds=5),
        Decimal("1.20"),
    ],
)
def test_plain_values_are_read_as_they_were_given(value):
    read = plain.load(plain.dump(value, "It"))
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "value, message",
    [
        (lambda: 1, "It cannot be kept: function is no plain type"),
        (int, "It cannot be kept: type|It cannot be kept: int is no plain type"),
        (State.NEW, "State is no plain type"),
        (Sub("text"), "Sub is no plain type"),
        (ValueError("no"), "ValueError is no plain type"),
        (threading.Lock(), "lock is no plain type"),
        ([PersistentMapping()], "PersistentMapping is no plain type"),
        ("x" * 2_000, "It takes 20.. bytes, and may take 2000"),
    ],
)
def test_other_values_are_refused(value, message):
    with pytest.raises(ValueError, match=message):
        plain.dump(value, "It")


def test_a_value_that_is_nested_too_deeply_is_refused():
    value = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="It is nested too deeply"):
        plain.dump(value, "It")


def test_the_largest_value_is_kept():
    largest = b"x" * (2_000 - len(plain.dump(b"x" * 1_000, "It")) + 1_000)
    assert len(plain.dump(largest, "It")) == 2_000
    with pytest.raises(ValueError, match="takes 2001 bytes"):
        plain.dump(largest + b"x", "It")


class Number(float):
    """A number that belongs to somebody's package."""


@pytest.mark.parametrize("value", [0, -3, 2.5, True, Number(2), 2**63])
def test_numbers_are_kept_as_numbers_of_python(value):
    kept = plain.number(value, "It")
    assert kept == value
    assert type(kept) in (int, float)


@pytest.mark.parametrize("value", ["1", None, Decimal(1), 1j])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match=f"It is a number, not {type(value).__name__}"):
        plain.number(value, "It")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -(10**20), 10**400])
def test_numbers_without_an_end_are_refused(value):
    with pytest.raises(ValueError, match="It is a finite number"):
        plain.number(value, "It")


def test_texts_are_kept_up_to_their_limit_and_as_strings_of_python():
    assert plain.text("ä" * 5, "It", 5) == "ä" * 5
    assert type(plain.text(Sub("text"), "It", 5)) is str
    with pytest.raises(ValueError, match="It has 6 characters, and may have 5: 'abcde"):
        plain.text("abcdef", "It", 5)
    with pytest.raises(ValueError, match="It is a string, not bytes"):
        plain.text(b"bytes", "It", 5)
