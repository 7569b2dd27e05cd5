"""A schema with a field of each kind, and inputs that it takes, or does not."""

from zope.interface import Interface
from zope.interface import taggedValue
from zope.schema import Bool
from zope.schema import Bytes
from zope.schema import Choice
from zope.schema import Datetime
from zope.schema import Decimal
from zope.schema import Dict
from zope.schema import Float
from zope.schema import Int
from zope.schema import List
from zope.schema import Set
from zope.schema import TextLine
from zope.schema import Time
from zope.schema import Tuple


class IAllKinds(Interface):
    flag = Bool(title="Flag", required=False)
    small = Int(title="Small", min=1, max=5, required=False)
    part = Float(title="Part", required=False)
    price = Decimal(title="Price", required=False)
    name = TextLine(title="Name", max_length=5, required=False)
    raw = Bytes(title="Raw", required=False)
    when = Datetime(title="When", required=False)
    daily = Time(title="Daily", required=False)
    way = Choice(title="Way", values=["fast", "slow"], required=False)
    size = Choice(title="Size", values=[1, 2], required=False)
    names = List(title="Names", value_type=TextLine(), min_length=1, required=False)
    both = Tuple(title="Both", value_type=Int(), required=False)
    tags = Set(title="Tags", value_type=TextLine(), required=False)
    words = Dict(title="Words", key_type=TextLine(), value_type=Int(), required=False)
    numbers = Dict(
        title="Numbers", key_type=Int(), value_type=TextLine(), required=False
    )

    taggedValue(
        "examples",
        [
            ({}, True),
            ({"flag": True, "small": 1, "part": 1.5, "price": "1.10"}, True),
            ({"part": 1, "raw": "x", "when": "2026-01-31T12:00:00+00:00"}, True),
            ({"daily": "12:00:00", "way": "slow", "size": 2, "names": ["a"]}, True),
            ({"both": [1, 2], "tags": ["a", "b"], "words": {"a": 1}}, True),
            ({"numbers": [[1, "a"]], "price": 2.5}, True),
            (
                dict.fromkeys(
                    ("flag", "small", "name", "when", "way", "names", "words")
                ),
                True,
            ),
            ({"flag": "yes"}, False),
            ({"small": 0}, False),
            ({"small": "1"}, False),
            ({"part": "1"}, False),
            ({"price": []}, False),
            ({"name": "longer"}, False),
            ({"way": "sideways"}, False),
            ({"names": []}, False),
            ({"names": [1]}, False),
            ({"both": "x"}, False),
            ({"words": {"a": "b"}}, False),
            ({"numbers": [["a", "a"]]}, False),
            ({"other": 1}, False),
        ],
    )
