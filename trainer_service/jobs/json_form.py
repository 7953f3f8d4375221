"""Frozen values to plain JSON and back, by their field types.

For values that this project writes itself: orders, spool lines, stored events. What comes from a
user is checked at the edge, not here.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union

JsonValue = Any
"""None, bool, int, float, str, list or dict with string keys."""

Value = TypeVar("Value")


class MalformedJson(ValueError):
    """Stored JSON does not have the fields of the value it should be."""


def to_json(value: object) -> JsonValue:
    """Return `value` as plain JSON: dataclasses as objects, tuples as lists, enums as values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: to_json(getattr(value, name)) for name in names}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_json(item) for item in value]
    return value


def from_json(kind: type[Value], data: JsonValue) -> Value:
    """Return the value of dataclass `kind` that `to_json` wrote. Absent fields take their defaults.

    Raises:
        MalformedJson: `data` is not an object, has a field that `kind` does not know, or lacks one
            that has no default.
    """
    if not isinstance(data, dict):
        raise MalformedJson(f"{kind.__name__} should be an object, got {type(data).__name__}")
    hints = _field_types(typing.cast(Any, kind))
    if unknown := sorted(set(data) - set(hints)):
        raise MalformedJson(f"{kind.__name__} has no field {unknown[0]!r}")
    try:
        return kind(**{name: _read(hints[name], item) for name, item in data.items()})
    except (TypeError, ValueError) as error:
        raise MalformedJson(f"{kind.__name__}: {error}") from error


@cache
def _field_types(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}


def _read(kind: Any, data: JsonValue) -> Any:
    origin = typing.get_origin(kind)
    if origin in (Union, types.UnionType):
        return _read_optional(typing.get_args(kind), data)
    if origin is tuple:
        return _read_tuple(typing.get_args(kind), data)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return from_json(kind, data)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    return data


def _read_optional(kinds: tuple[Any, ...], data: JsonValue) -> Any:
    """`X | None` is read as X; any wider union is plain JSON and stays as it is."""
    wanted = [kind for kind in kinds if kind is not type(None)]
    return _read(wanted[0], data) if data is not None and len(wanted) == 1 else data


def _read_tuple(kinds: tuple[Any, ...], data: JsonValue) -> tuple[Any, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_read(kinds[0], item) for item in data)
    return tuple(_read(kind, item) for kind, item in zip(kinds, data, strict=True))
