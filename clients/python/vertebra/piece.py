"""A message with bytes of a file, decoded with one copy of the bytes.

Generated code would copy them when it parses the message and again whenever `data` is looked at.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from google.protobuf.message import DecodeError

from vertebra.model.v1 import stream_pb2

_OFFSET_TAG = 0x08
"""Field 1, a varint: `offset` of ReadBlobResponse and ReadTensorsResponse."""
_DATA_TAG = 0x12
"""Field 2, length-delimited: `data` of both."""
_LONGEST_VARINT = 10


class PieceMessage(Protocol):
    """What ReadBlobResponse and ReadTensorsResponse have in common."""

    offset: int
    data: bytes
    crc32c: int

    @property
    def end(self) -> stream_pb2.StreamEnd:
        """Return the end of the stream, if this is the last message."""

    def HasField(self, name: str) -> bool:  # noqa: N802 - protobuf's spelling
        """Return whether a field is there."""


M = TypeVar("M", bound=PieceMessage)


@dataclass(frozen=True, slots=True)
class Piece(Generic[M]):
    """A message and, apart from it, its bytes."""

    message: M
    """Without its bytes."""
    data: bytes

    @property
    def end(self) -> stream_pb2.StreamEnd:
        """Return the message's end."""
        return self.message.end

    def HasField(self, name: str) -> bool:  # noqa: N802 - protobuf's spelling
        """Return whether the message has a field."""
        return self.message.HasField(name)


def piece_decoder(parse: Callable[[bytes], M]) -> Callable[[bytes], Piece[M]]:
    """Return a decoder of serialised messages.

    Args:
        parse: the generated `FromString`.
    """

    def decode(encoded: bytes) -> Piece[M]:
        begin, first, last = _data_span(encoded)
        message = parse(encoded[:begin] + encoded[last:] if last else encoded)
        if elsewhere := message.data:  # put there by another encoder, or there twice
            return Piece(message, elsewhere)
        return Piece(message, encoded[first:last])

    return decode


def _data_span(encoded: bytes) -> tuple[int, int, int]:
    """Return where the field `data` begins, and its bytes' first and last position.

    All zero where it is not where every encoder of ours puts it: first or after `offset`.
    """
    begin = 0
    if encoded[:1] == bytes([_OFFSET_TAG]):
        _, begin = _varint(encoded, 1)
    if encoded[begin : begin + 1] != bytes([_DATA_TAG]):
        return 0, 0, 0
    size, first = _varint(encoded, begin + 1)
    if first + size > len(encoded):
        raise DecodeError("a message ends inside of its bytes")
    return begin, first, first + size


def _varint(encoded: bytes, position: int) -> tuple[int, int]:
    """Return the number at a position, and the position after it."""
    number = shift = 0
    for byte in encoded[position : position + _LONGEST_VARINT]:
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7
    raise DecodeError("a number has no end")
