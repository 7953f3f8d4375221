"""Plain JSON <-> protobuf Struct, and reading enum numbers."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from catalog_service.errors import Violation, invalid


def struct_of(plain: Mapping[str, Any]) -> Struct:
    """Return plain JSON as a protobuf Struct."""
    message = Struct()
    message.update(plain)
    return message


def plain_of(message: Struct) -> dict[str, Any]:
    """Return a Struct as plain JSON, with an int for every whole number."""
    plain: dict[str, Any] = _with_ints(MessageToDict(message))
    return plain


def known(names: Mapping[Any, str], number: int, field: str) -> str:
    """Return the name of an enum number, or raise InvalidRequest."""
    if number not in names:
        raise invalid([Violation(field=field, description=f"{number} is not a known value")])
    return names[number]


def _with_ints(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_ints(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_ints(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
