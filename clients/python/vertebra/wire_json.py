"""Messages from and to JSON with the contract's own field names, and a readable complaint."""

import difflib
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

AnyMessage = TypeVar("AnyMessage", bound=Message)


class FieldInvalid(ValueError):
    """JSON that is not the message; the sentence names the field and the nearest right name."""


def to_message(value: AnyMessage | Mapping[str, Any], kind: type[AnyMessage]) -> AnyMessage:
    """Return `value` as a message of `kind`; a message is returned as it is.

    Raises:
        FieldInvalid: an unknown field, or a value that the field cannot hold.
    """
    if isinstance(value, kind):
        return value
    assert isinstance(value, Mapping)
    message = kind()
    _check_names(value, message.DESCRIPTOR, "")
    try:
        json_format.ParseDict(dict(value), message)
    except json_format.ParseError as error:
        raise FieldInvalid(_short(str(error))) from error
    return message


def to_json(message: Message) -> dict[str, Any]:
    """Return `message` as plain values under the contract's names, zeros and empty lists included.

    64-bit numbers are strings, as everywhere in protobuf's JSON.
    """
    fields: dict[str, Any] = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return fields


def _check_names(value: Any, descriptor: Any, path: str) -> None:
    """Raise for the first unknown field, depth first, with the nearest known one."""
    if descriptor.full_name.startswith("google.protobuf.") or not isinstance(value, Mapping):
        return
    fields = {field.name: field for field in descriptor.fields}
    fields |= {field.json_name: field for field in descriptor.fields}
    for name, inner in value.items():
        here = f"{path}{name}"
        if name not in fields:
            raise FieldInvalid(_unknown(name, here, descriptor))
        _check_inner(inner, fields[name], here)


def _check_inner(value: Any, field: Any, path: str) -> None:
    kind = field.message_type
    if kind is None or kind.GetOptions().map_entry:
        return
    for number, one in enumerate(value if isinstance(value, list) else [value]):
        suffix = f"[{number}]" if isinstance(value, list) else ""
        _check_names(one, kind, f"{path}{suffix}.")


def _unknown(name: str, path: str, descriptor: Any) -> str:
    known = [field.name for field in descriptor.fields]
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if nearest:
        return f"unknown field {path!r}; did you mean {nearest[0]!r}?"
    where = path.rpartition(".")[0] or "the file"
    return f"unknown field {path!r}; {where} knows {', '.join(known)}"


def _short(text: str) -> str:
    """Return json_format's complaint without the class names that it repeats."""
    return re.sub(r"^Failed to parse (\S+) field: ", r"\1: ", text).rstrip(".")
