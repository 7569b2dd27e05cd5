"""Equal calls have equal keys, and others have others."""

from collections import Counter
from collections import defaultdict
from collections import deque
from collections import namedtuple
from collections import OrderedDict
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from datetime import datetime
from datetime import time
from datetime import timedelta
from datetime import timezone
from datetime import UTC
from decimal import Decimal
from enum import Enum
from enum import Flag
from enum import IntEnum
from fractions import Fraction
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from pathlib import PurePosixPath
from persistent import Persistent
from persistent.list import PersistentList
from persistent.mapping import PersistentMapping
from plone.app.taskqueue.interfaces import IReferences
from plone.app.taskqueue.job.identity import fingerprint
from plone.app.taskqueue.tests import functions
from uuid import UUID
from ZODB.POSException import ConflictError
from zope.component import getGlobalSiteManager

import io
import itertools
import os
import pickle
import pytest
import random
import subprocess
import sys


class Colour(Enum):
    RED = 1
    SCARLET = RED
    BLUE = 2


class Number(IntEnum):
    ONE = 1


class Right(Flag):
    READ = 1
    WRITE = 2


@dataclass
class Point:
    x: int
    y: int


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a):
        self.a = a


Pair = namedtuple("Pair", "a b")


class Title(str):
    pass


class Tags(set):
    pass


class Conflicting:
    def __reduce_ex__(self, protocol):
        raise ConflictError()


class Content(Persistent):
    def __init__(self, path):
        self.path = path


class References:
    def refer(self, obj):
        if not isinstance(obj, Content):
            return None
        if obj.path is None:
            raise ValueError("it is temporary")
        return (obj.path, None, b"\0")


@pytest.fixture
def references():
    registry = getGlobalSiteManager()
    utility = References()
    registry.registerUtility(utility, IReferences)
    yield
    registry.unregisterUtility(utility, IReferences)


def key(*args, **kwargs):
    return fingerprint("module:function", None, args, kwargs)


HASHABLE_ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(),
    st.binary(),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.timedeltas(),
    # A signalling "not a number" refuses to be compared.
    st.decimals().filter(lambda value: not value.is_snan()),
    st.uuids(),
    st.sampled_from([Colour.RED, Colour.BLUE, Number.ONE, Right.READ, Point, len]),
    st.builds(Title, st.text()),
)
ATOMS = HASHABLE_ATOMS | st.builds(Point, st.integers(), st.integers())
HASHABLE = st.recursive(
    HASHABLE_ATOMS,
    lambda inner: st.one_of(
        st.frozensets(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
    ),
    max_leaves=6,
)
VALUES = st.recursive(
    HASHABLE | ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(HASHABLE, inner, max_size=4),
        st.sets(HASHABLE, max_size=4),
    ),
    max_leaves=12,
)


def twisted(value):
    """Return an equal value that shares nothing, its sets and dictionaries shuffled."""
    kind = type(value)
    if kind in (list, tuple):
        return kind(map(twisted, value))
    if kind in (set, frozenset):
        return kind(map(twisted, shuffled(value)))
    if kind is dict:
        return {twisted(k): twisted(v) for k, v in shuffled(value.items())}
    return pickle.loads(pickle.dumps(value))


def shuffled(values):
    values = list(values)
    random.shuffle(values)
    return values


# What is the same


def test_a_key_is_32_hexadecimal_digits():
    assert len(key()) == 32
    int(key(), 16)


@settings(deadline=None)
@given(VALUES)
def test_an_equal_value_has_an_equal_key(value):
    assert key(value) == key(twisted(value))


@settings(deadline=None)
@given(st.dictionaries(st.text(), ATOMS, min_size=2, max_size=5))
def test_the_order_of_keywords_does_not_matter(kwargs):
    backwards = dict(reversed(kwargs.items()))
    assert key(**kwargs) == key(**backwards)


@settings(deadline=None)
@given(VALUES)
def test_it_does_not_matter_whether_parts_are_one_object(value):
    assert key([value, value]) == key([value, deepcopy(value)])


@settings(deadline=None)
@given(st.sets(st.one_of(st.text(), st.integers(), st.dates()), min_size=2, max_size=6))
def test_the_order_of_a_set_does_not_matter(values):
    assert len({key(set(order)) for order in itertools.permutations(values)}) == 1


@pytest.mark.parametrize(
    "one, other",
    [
        (0.0, -0.0),
        (float("nan"), -float("nan")),
        (complex(0, -0.0), 0j),
        (Decimal("1"), Decimal("1.000")),
        (Decimal("100"), Decimal("1e2")),
        (Decimal("0"), Decimal("-0.0")),
        (Colour.RED, Colour.SCARLET),
        (
            datetime(2030, 1, 1, 12, tzinfo=UTC),
            datetime(2030, 1, 1, 14, tzinfo=timezone(timedelta(hours=2))),
        ),
        (datetime(2030, 1, 1, fold=0), datetime(2030, 1, 1, fold=1)),
        (Counter("abb"), Counter("bab")),
        (Tags("abc"), Tags("cba")),
        (PersistentMapping(a=1, b=2), PersistentMapping(b=2, a=1)),
    ],
)
def test_what_is_equal_has_one_key(one, other):
    assert key(one) == key(other)


@pytest.mark.parametrize(
    "value",
    [
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
        Decimal("1e999999"),
        Decimal("-123.4500"),
        pytest.param(10**10_000, id="huge"),
        "\ud800",
        {"a": [{"b": ({1, 2}, frozenset())}]},
    ],
)
def test_extreme_values_have_a_key(value):
    assert key(value) == key(deepcopy(value))


# What is not


DIFFERENT = [
    0,
    False,
    0.0,
    0j,
    Decimal(0),
    "0",
    b"0",
    None,
    "None",
    "",
    b"",
    [],
    (),
    {},
    set(),
    frozenset(),
    1,
    True,
    1.0,
    Decimal(1),
    "1",
    Number.ONE,
    Right.READ,
    Right.WRITE,
    Right.READ | Right.WRITE,
    Colour.RED,
    Colour.BLUE,
    Colour,
    [1],
    (1,),
    {1},
    frozenset({1}),
    [[1]],
    [1, 1],
    [1, [1]],
    {1: 1},
    {1: None},
    {1: True},
    {True: 1},
    [1, 2],
    [2, 1],
    [12],
    ["a", "b"],
    ["ab"],
    ["a b"],
    ["a", ["b"]],
    [["a", "b"]],
    {"a": "b"},
    [("a", "b")],
    {"a", "b"},
    date(2030, 1, 1),
    datetime(2030, 1, 1),
    datetime(2030, 1, 1, tzinfo=UTC),
    datetime(2030, 1, 1, 0, 0, 0, 1),
    "2030-01-01",
    timedelta(1),
    timedelta(microseconds=1),
    time(1),
    UUID(int=1),
    UUID(int=2),
    float("inf"),
    -float("inf"),
    float("nan"),
    Decimal("inf"),
    Decimal("nan"),
    Decimal("12"),
    Decimal("-12"),
    Decimal("120"),
    Point(1, 2),
    Point(2, 1),
    Point,
    Pair(1, 2),
    (1, 2),
    Slotted(1),
    Slotted(2),
    Title("a"),
    "a",
    Tags("a"),
    {"a"},
    len,
    functions.nothing,
    "builtins:len",
    OrderedDict(a=1),
    defaultdict(int, a=1),
    defaultdict(list, a=1),
    Counter("a"),
    {"a": 1},
    deque([1]),
    deque([1], 5),
    PersistentList([1]),
    PersistentMapping(a=1),
]


def test_what_differs_in_type_or_value_has_keys_of_its_own():
    keys = [key(value) for value in DIFFERENT]
    doubled = [
        value for value, one in zip(DIFFERENT, keys, strict=True) if keys.count(one) > 1
    ]
    assert doubled == []


@settings(deadline=None)
@given(st.lists(ATOMS, max_size=5), st.lists(ATOMS, max_size=5))
def test_equal_keys_have_equal_values(one, other):
    if key(*one) == key(*other):
        for left, right in zip(one, other, strict=True):
            assert type(left) is type(right)
            assert left == right or left != left or str(left) == str(right)


def test_each_part_of_a_call_counts():
    calls = [
        ("module:f", None, (), {}),
        ("module:g", None, (), {}),
        ("module:f", "a", (), {}),
        ("module:f", None, ("a",), {}),
        ("module:f", None, ("a", "b"), {}),
        ("module:f", None, ("b", "a"), {}),
        ("module:f", None, ({"a": "b"},), {}),
        ("module:f", None, (), {"a": "b"}),
        ("module:f", None, ("a",), {"a": "b"}),
    ]
    assert len({fingerprint(*call) for call in calls}) == len(calls)


# Objects of a database


def test_an_object_is_known_by_its_reference(references):
    one = fingerprint("module:f", Content("/site/a"), (Content("/site/b"),), {})
    assert one == fingerprint("module:f", Content("/site/a"), (Content("/site/b"),), {})
    assert one != fingerprint("module:f", Content("/site/b"), (Content("/site/a"),), {})


def test_an_object_that_cannot_be_referred_to_says_so_itself(references):
    with pytest.raises(ValueError, match="it is temporary"):
        key(Content(None))


def test_an_object_without_a_reference_has_no_key():
    with pytest.raises(ValueError, match="unique key of your own"):
        key(Content("/site/a"))


def test_a_mapping_of_a_database_has_no_key(engine):
    with engine.queue() as queue:
        mapping = PersistentMapping(a=1)
        queue._p_jar.add(mapping)
        with pytest.raises(ValueError, match="unique key of your own"):
            key(mapping)


# What has no key


class OfMain:
    __module__ = "__main__"


@pytest.mark.parametrize(
    "value",
    [
        lambda: None,
        (number for number in range(2)),
        io.BytesIO(),
        os,
        OfMain(),
        PurePosixPath("/"),
        Fraction(1, 2),
        [{"a": (iter(()),)}],
    ],
)
def test_what_has_no_lasting_value_has_no_key(value):
    with pytest.raises(ValueError, match="Give the job a unique key of your own"):
        key(value)


def test_a_value_that_holds_itself_has_no_key():
    value = []
    value.append(value)
    with pytest.raises(ValueError, match="hold themselves"):
        key(value)


def test_a_conflict_says_nothing_about_a_value():
    with pytest.raises(ConflictError):
        key(Conflicting())


def test_what_holds_one_thing_many_times_over_has_a_key_soon():
    value = ["x"]
    for _ in range(200):
        value = [value, value]
    assert len(key(value)) == 32


# Elsewhere


#: Of every type that has a value of its own, in a form that Python can read.
_EVERYTHING = """
[
    None, True, 12, 1.5, 2j, "text", b"bytes", date(2030, 1, 2),
    datetime(2030, 1, 2, 3, tzinfo=UTC), timedelta(1, 2, 3), Decimal("1.50"),
    UUID(int=7), Colour.RED, Number.ONE, Right.READ | Right.WRITE, Point(1, 2), Pair(1, 2),
    Slotted(3), Title("t"), Tags(["a", "b", "c"]), Counter("abc"), OrderedDict(a=1),
    defaultdict(list, b=[]), deque([1, 2]), time(1, 2), PersistentMapping(a=1),
    PersistentList([1]), {"a", "b", "c", "d"}, frozenset(["x", "y", "z"]),
    {"k": {"l": ("m", ["n"])}}, len, Point,
]
"""
#: Never change it without ``_VERSION``: keys are kept in databases.
_KEY = "1472fa216dd001bb23c2bf5fab97ba2b"


def test_a_key_is_the_same_in_every_version():
    assert key(eval(_EVERYTHING)) == _KEY


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_a_key_is_the_same_in_every_process(seed):
    program = (
        f"from {__name__} import *\nfrom {__name__} import _EVERYTHING\n"
        "print(key(eval(_EVERYTHING)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == _KEY, done.stderr
