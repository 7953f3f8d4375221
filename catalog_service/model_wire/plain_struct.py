"""Plain JSON <-> protobuf Struct, and reading enum numbers."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from catalog_service.errors import Violation, invalid


def struct_of(plain: Mapping[str, Any]) -> Struct:
    """Return plain JSON as a protobuf Struct."""
    message = Struct()
    message.update(plain)
    return message


def plain_of(message: Struct) -> dict[str, Any]:
    """Return a Struct as plain JSON, with an int for every whole number.

    What JSON cannot hold, such as NaN, is kept: whoever checks the values refuses it by its name.
    """
    return {name: _plain(value) for name, value in message.fields.items()}


def known(names: Mapping[Any, str], number: int, field: str) -> str:
    """Return the name of an enum number, or raise InvalidRequest."""
    if number not in names:
        raise invalid([Violation(field=field, description=f"{number} is not a known value")])
    return names[number]


def _plain(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind is None or kind == "null_value":
        return None
    if kind == "struct_value":
        return plain_of(value.struct_value)
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    found = getattr(value, kind)
    return int(found) if kind == "number_value" and found.is_integer() else found
