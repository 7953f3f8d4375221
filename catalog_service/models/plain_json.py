"""Frozen value <-> plain JSON by its field types, for every dataclass of both services.

Strict: unknown keys, missing keys without a default and wrong types are errors. For what this
project wrote itself: records, orders, spool lines; a message is read by a wire file. No torch.
"""

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from catalog_service.errors import listed

JsonObject = dict[str, Any]
"""A JSON object as `json.loads` gives it."""

T = TypeVar("T")

_SCALARS = frozenset({str, int, float, bool, type(None)})


class MalformedJson(ValueError):
    """Data does not have the shape of the value it should become."""


def to_plain(value: object) -> Any:
    """Return `value` as `json.loads(json.dumps(...))` would: lists, dicts, strings, numbers.

    An enum becomes its value.
    """
    kind = type(value)
    if kind in _SCALARS:
        return value
    if is_dataclass(kind):
        return {name: to_plain(getattr(value, name)) for name in _shape(kind).names}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: type[T], data: object, *, path: str = "") -> T:
    """Return the dataclass `kind` read from `data`, tuples for lists.

    Raises:
        MalformedJson: an unknown or missing key, or a value of another type; says where.
    """
    where = path or kind.__name__
    if not isinstance(data, Mapping):
        raise MalformedJson(f"{where}: {data!r} is not an object")
    shape = _shape(kind)  # type: ignore[arg-type]  # classes do hash
    if unknown := sorted(data.keys() - shape.hints.keys()):
        raise MalformedJson(
            f"{where}: no field {listed(unknown)}; fields are {', '.join(shape.names)}"
        )
    if missing := sorted(shape.required - data.keys()):
        raise MalformedJson(f"{where}: {listed(missing)} missing")
    hints = shape.hints
    return kind(
        **{
            name: item if type(item) is hints[name] else _read(hints[name], item, f"{where}.{name}")
            for name, item in data.items()
        }
    )


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a dataclass looks like: asked once a class, for events come by the thousand."""

    names: tuple[str, ...]
    hints: dict[str, Any]
    required: frozenset[str]


@cache
def _shape(kind: Any) -> _Shape:
    known = fields(kind)
    hints = get_type_hints(kind)
    return _Shape(
        names=tuple(field.name for field in known),
        hints={field.name: hints[field.name] for field in known},
        required=frozenset(
            field.name
            for field in known
            if field.default is MISSING and field.default_factory is MISSING
        ),
    )


def _read(hint: Any, data: Any, path: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _read_optional(hint, data, path)
    if origin is tuple:
        return _read_tuple(get_args(hint), data, path)
    if origin is Literal:
        return _read_word(get_args(hint), data, path)
    if origin is not None and issubclass(origin, Mapping):
        return _read_mapping(hint, data, path)
    if isinstance(hint, type) and is_dataclass(hint):
        return from_plain(hint, data, path=path)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(_read_word([member.value for member in hint], data, path))
    return _read_scalar(hint, data, path)


def _read_optional(hint: Any, data: Any, path: str) -> Any:
    if data is None:
        return None
    inner = [kind for kind in get_args(hint) if kind is not type(None)]
    if len(inner) == 1:
        return _read(inner[0], data, path)
    kinds = {_kind_of(each): each for each in inner}
    word = data.get("kind") if isinstance(data, Mapping) else None
    return _read(kinds[_read_word(list(kinds), word, f"{path}.kind")], data, path)


def _kind_of(dataclass_type: Any) -> Any:
    """Return the default of the field `kind`, which tells the members of a union apart."""
    return next(field.default for field in fields(dataclass_type) if field.name == "kind")


def _read_tuple(hints: tuple[Any, ...], data: Any, path: str) -> tuple[Any, ...]:
    """Read `tuple[X, ...]` of any length, or `tuple[X, Y]` of exactly that length."""
    if not isinstance(data, list | tuple):
        raise MalformedJson(f"{path}: {data!r} is not a list")
    if hints[-1] is Ellipsis:
        hints = hints[:1] * len(data)
    if len(hints) != len(data):
        raise MalformedJson(f"{path}: {len(data)} items, not {len(hints)}")
    items = zip(hints, data, strict=True)
    return tuple(_read(hint, item, f"{path}[{at}]") for at, (hint, item) in enumerate(items))


def _read_word(words: Sequence[Any], data: Any, path: str) -> Any:
    if data not in words:
        raise MalformedJson(f"{path}: {data!r} is none of {', '.join(map(repr, words))}")
    return data


def _read_mapping(hint: Any, data: Any, path: str) -> dict[Any, Any]:
    """Read a mapping; JSON has its numbers as text where they are keys."""
    if not isinstance(data, Mapping):
        raise MalformedJson(f"{path}: {data!r} is not an object")
    key_kind, item_kind = get_args(hint)
    if key_kind is str and all(type(item) is item_kind for item in data.values()):
        return dict(data)
    items = {str(key): _read(item_kind, item, f"{path}.{key}") for key, item in data.items()}
    if key_kind is not int:
        return items
    if wrong := [key for key in items if not key.removeprefix("-").isdecimal()]:
        raise MalformedJson(f"{path}: key {wrong[0]!r} is not a number")
    return {int(key): item for key, item in items.items()}


def _read_scalar(hint: Any, data: Any, path: str) -> Any:
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if hint is int and isinstance(data, bool):
        raise MalformedJson(f"{path}: {data!r} is not a number")
    if hint in (int, float, str, bool) and not isinstance(data, hint):
        raise MalformedJson(f"{path}: {data!r} is not of type {hint.__name__}")
    return data
