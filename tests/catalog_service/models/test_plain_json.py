"""Values of every kind of field come back equal from plain JSON; anything else says where."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

import pytest

from catalog_service.models.plain_json import MalformedJson, from_plain, to_plain


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    at: tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    colour: Colour
    maybe: Colour | None = None
    word: Literal["a", "b"] = "a"
    pair: tuple[float, float] = (0.5, 1.5)
    points: tuple[Point, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)
    anything: Any = None


VALUE = Value(
    colour=Colour.BLUE,
    maybe=Colour.RED,
    word="b",
    pair=(2.0, 3.0),
    points=(Point(at=(1, "x")), Point(at=(2, "y"))),
    numbers={"lr": 0.1},
    anything=[1, {"a": None}],
)


@pytest.mark.parametrize("value", [VALUE, Value(colour=Colour.RED)])
def test_a_value_reads_back_equal_through_text(value: Value) -> None:
    assert from_plain(Value, json.loads(json.dumps(to_plain(value)))) == value


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"colour": "green"}, r"Value\.colour: 'green' is none of 'red', 'blue'"),
        ({"colour": []}, r"Value\.colour: \[\] is none of"),
        ({"maybe": "green"}, r"Value\.maybe: 'green' is none of"),
        ({"word": "c"}, r"Value\.word: 'c' is none of 'a', 'b'"),
        ({"pair": [1.0]}, r"Value\.pair: 1 items, not 2"),
        ({"pair": [1.0, 2.0, 3.0]}, r"Value\.pair: 3 items, not 2"),
        ({"pair": ["1", 2.0]}, r"Value\.pair\[0\]: '1' is not of type float"),
        ({"points": [{"at": [1, 2]}]}, r"Value\.points\[0\]\.at\[1\]: 2 is not of type str"),
        ({"points": "ab"}, "is not a list"),
        ({"numbers": [1.0]}, "is not an object"),
        ({"colours": "red"}, "no field colours"),
    ],
)
def test_what_does_not_fit_says_where(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(MalformedJson, match=message):
        from_plain(Value, {"colour": "red", **fields})


def test_a_field_without_a_default_must_be_there() -> None:
    with pytest.raises(MalformedJson, match="colour missing"):
        from_plain(Value, {})
