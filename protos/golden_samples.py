"""Writes one encoded sample of every message of the contract: part of `make protos`.

Every client decodes `golden/<version>.json` and compares: what one language writes, all others
read, and what this release wrote, later ones read. A message with a `oneof` has a sample for each
choice. The file is a list of `{message, choice, wire, json}`: `wire` is base64, `json` is
protobuf's JSON, and both are the same message. Fields of nested messages that are messages
themselves stay away: each has a sample of its own.
"""

import base64
import importlib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

PROTOS = Path(__file__).resolve().parent
DEPTH = 2
"""The sample itself, and the messages in it."""

KNOWN_JSON = {
    "google.protobuf.Timestamp": '"2023-11-14T22:13:20.250Z"',
    "google.protobuf.Duration": '"2.250s"',
    "google.protobuf.Struct": '{"name": [1.5, true, null, {"inner": "Größe"}]}',
    "google.protobuf.Value": '["one", 2]',
}
"""Messages whose JSON is not that of their fields."""

BEYOND_DOUBLE = 2**53 + 1
"""A 64-bit number that JSON must carry as text."""

KIND = FieldDescriptor


def number_of(field: FieldDescriptor, turn: int) -> int:
    """Return a small number that differs from field to field."""
    return field.number * 10 + turn


VALUES = {
    KIND.TYPE_STRING: lambda field, turn: f"{field.name} {turn} Größe ✓",
    KIND.TYPE_BYTES: lambda field, turn: b"\x00\xff" + field.name.encode() + bytes([turn]),
    KIND.TYPE_BOOL: lambda field, turn: turn == 0,
    KIND.TYPE_DOUBLE: lambda field, turn: number_of(field, turn) / 10,
    KIND.TYPE_FLOAT: lambda field, turn: number_of(field, turn) / 8,
    KIND.TYPE_INT64: lambda field, turn: BEYOND_DOUBLE + number_of(field, turn),
    KIND.TYPE_UINT64: lambda field, turn: BEYOND_DOUBLE + number_of(field, turn),
    KIND.TYPE_INT32: number_of,
    KIND.TYPE_UINT32: number_of,
    KIND.TYPE_FIXED32: lambda field, turn: 2**32 - number_of(field, turn),
    KIND.TYPE_ENUM: lambda field, turn: field.enum_type.values[-1 - turn].number,
}
"""Type of a field -> a value of it, never its default; `turn` counts what a list has."""


def version() -> str:
    """Return the version of the project."""
    text = (PROTOS.parent / "pyproject.toml").read_text()
    found: str = tomllib.loads(text)["project"]["version"]
    return found


def files() -> Iterator[FileDescriptor]:
    """Yield the contract's files."""
    for path in sorted((PROTOS / "vertebra").rglob("*.proto")):
        name = ".".join(path.relative_to(PROTOS).with_suffix("").parts)
        yield importlib.import_module(f"{name}_pb2").DESCRIPTOR


def messages() -> Iterator[Descriptor]:
    """Yield every message of the contract, nested ones too; maps' entries are none."""
    waiting = [kind for file in files() for kind in file.message_types_by_name.values()]
    while waiting:
        kind = waiting.pop(0)
        waiting.extend(kind.nested_types)
        if not kind.GetOptions().map_entry:
            yield kind


def choices(kind: Descriptor) -> Iterator[str]:
    """Yield the names to choose in a message's oneofs, each at least once; "" where none is."""
    members = [
        field.name
        for oneof in kind.oneofs
        for field in oneof.fields
        if len(oneof.fields) > 1 or not oneof.name.startswith("_")
    ]
    yield from members or [""]


def fill(message: Message, choice: str = "", depth: int = DEPTH) -> None:
    """Set every field; of each oneof `choice` if it is of it, else the first."""
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if oneof is not None:
            names = [one.name for one in oneof.fields]
            if field.name != (choice if choice in names else names[0]):
                continue
        put(message, field, depth)


def put(message: Message, field: FieldDescriptor, depth: int) -> None:
    """Set one field."""
    value = getattr(message, field.name)
    entry = field.message_type if field.type == KIND.TYPE_MESSAGE else None
    if entry is not None and entry.GetOptions().map_entry:
        put_entry(value, entry, depth)
    elif entry is not None and field.is_repeated:
        fill_nested(value.add(), depth)
    elif entry is not None:
        value.SetInParent()
        fill_nested(value, depth)
    elif field.is_repeated:
        value.extend(VALUES[field.type](field, turn) for turn in (0, 1))
    else:
        setattr(message, field.name, VALUES[field.type](field, 0))


def put_entry(entries: Any, entry: Descriptor, depth: int) -> None:
    """Put one entry into a map: the order of several is nobody's promise."""
    key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
    name = VALUES[key.type](key, 0)
    if value.type == KIND.TYPE_MESSAGE:
        entries[name].SetInParent()
        fill_nested(entries[name], depth)
    else:
        entries[name] = VALUES[value.type](value, 0)


def fill_nested(message: Message, depth: int) -> None:
    """Set the fields of a message in a message, down to `depth`."""
    name = message.DESCRIPTOR.full_name
    if name in KNOWN_JSON:
        json_format.Parse(KNOWN_JSON[name], message)
    elif depth > 1:
        fill(message, depth=depth - 1)


def samples() -> Iterator[dict[str, Any]]:
    """Yield the samples of every message."""
    for kind in messages():
        for choice in choices(kind):
            message = GetMessageClass(kind)()
            fill(message, choice)
            wire = message.SerializeToString(deterministic=True)
            yield {
                "message": kind.full_name,
                "choice": choice,
                "wire": base64.b64encode(wire).decode(),
                "json": json_format.MessageToDict(message),
            }


def text() -> str:
    """Return the file: a line for each sample, so that changes show where they are."""
    lines = [json.dumps(sample, ensure_ascii=False, sort_keys=True) for sample in samples()]
    return "[\n" + ",\n".join(lines) + "\n]\n"


if __name__ == "__main__":
    (PROTOS / "golden" / f"{version()}.json").write_text(text())
