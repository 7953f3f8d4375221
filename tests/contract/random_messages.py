"""Messages and bytes as no client of ours would send them, drawn from a seed."""

import random
from collections.abc import Sequence

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

DIGEST = "sha256:" + "0" * 64
NAMES = (
    *("resnet18", "ResNet18_Weights.DEFAULT", "torchvision/ResNet18_Weights.IMAGENET1K_V1"),
    *("weights/torchvision/ResNet18_Weights.IMAGENET1K_V2", "facebook/dinov3-vitb14"),
    *("huggingface/owner/name@main", "huggingface/owner/name@../..", "huggingface/a/b/c"),
    *("checkpoints/first", "checkpoints/", "checkpoints/../first", "first", "quantized_resnet18"),
    *(f"blobs/{DIGEST}", DIGEST, "sha256:12", "blobs/", "models/" + "4" * 64, "models/x"),
    *("../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "http://169.254.169.254/", "~"),
    *("", " ", ".", "*", "a" * 5000, "\x00", "\x1b[2J", "\u00e9\u2028\u202e", "%s%n", "'; --"),
    *("kind = weights", "kind = ", 'reference : "*"', "size_bytes < 1e999", "name desc, name"),
    *("00000000-0000-0000-0000-000000000000", "not-a-uuid", "simclr", "none", "full"),
)
INTEGERS = (0, 1, 2, -1, 7, 1000, 2**31 - 1, -(2**31))
LONGS = (*INTEGERS, 2**53, 2**63 - 1, -(2**63))
DOUBLES = (0.0, 0.5, -1.0, float("nan"), float("inf"), -float("inf"), 1e308)
BYTES = (b"", b"{}", b"\x00", b'{"version": 1}', b"PK\x03\x04", b"\xff" * 3000)
KINDS = FieldDescriptor
VALUES: dict[int, Sequence[object]] = {
    KINDS.TYPE_STRING: NAMES,
    KINDS.TYPE_BYTES: BYTES,
    KINDS.TYPE_BOOL: (True, False),
    KINDS.TYPE_ENUM: (0, 1, 2, 99),
    KINDS.TYPE_DOUBLE: DOUBLES,
    KINDS.TYPE_FLOAT: DOUBLES,
    KINDS.TYPE_INT64: LONGS,
    KINDS.TYPE_SINT64: LONGS,
    KINDS.TYPE_UINT64: (0, 1, 2**63, 2**64 - 1),
    KINDS.TYPE_UINT32: (0, 1, 2**32 - 1),
    KINDS.TYPE_FIXED32: (0, 1, 2**32 - 1),
}
"""By the type of a field; `INTEGERS` for the others."""

MAX_DEPTH = 3


def scramble(message: Message, chance: random.Random, share: float, depth: int = 0) -> None:
    """Give about `share` of a message's fields values that are likely wrong, or clear them."""
    for field in message.DESCRIPTOR.fields:
        if chance.random() > share:
            continue
        if chance.random() < 0.2:
            message.ClearField(field.name)
        else:
            _set(message, field, chance, depth)


def damage(data: bytes, chance: random.Random) -> bytes:
    """Return bytes with one thing wrong: one changed, some gone, some too many."""
    at = chance.randrange(len(data) + 1)
    junk = chance.randbytes(chance.choice((1, 2, 9)))
    return chance.choice(
        (
            data[:at] + junk + data[at + len(junk) :],
            data[:at],
            data[:at] + junk + data[at:],
            data + data,
        )
    )


def _set(message: Message, field: FieldDescriptor, chance: random.Random, depth: int) -> None:
    inside = getattr(message, field.name)
    if field.type != KINDS.TYPE_MESSAGE:
        values = VALUES.get(field.type, INTEGERS)
        if hasattr(inside, "extend"):
            inside.extend(chance.choice(values) for _ in range(chance.choice((1, 2, 50))))
        else:
            setattr(message, field.name, chance.choice(values))
    elif field.message_type.GetOptions().map_entry:
        _set_entry(inside, field.message_type, chance)
    elif depth < MAX_DEPTH:
        if not hasattr(inside, "add"):
            inside.SetInParent()
        scramble(inside.add() if hasattr(inside, "add") else inside, chance, 0.5, depth + 1)


def _set_entry(inside: object, entry: object, chance: random.Random) -> None:
    """Put one entry into a map; a map of messages gets an empty one."""
    key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
    name = chance.choice(VALUES.get(key.type, INTEGERS))
    if value.type == KINDS.TYPE_MESSAGE:
        inside[name].SetInParent()
    else:
        inside[name] = chance.choice(VALUES.get(value.type, INTEGERS))
