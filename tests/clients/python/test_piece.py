"""Bytes are found without a copy wherever an encoder puts them."""

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from vertebra.blob.v1 import blob_service_pb2 as wire
from vertebra.model.v1 import stream_pb2
from vertebra.piece import piece_decoder

decode = piece_decoder(wire.ReadBlobResponse.FromString)

MESSAGES = [
    wire.ReadBlobResponse(),
    wire.ReadBlobResponse(data=b"x"),
    wire.ReadBlobResponse(offset=1 << 40, data=b"x" * 300, crc32c=7),
    wire.ReadBlobResponse(offset=5, data=b"\x12\x08" * 90_000, blob=wire.Blob(size_bytes=9)),
    wire.ReadBlobResponse(offset=5, end=stream_pb2.StreamEnd(resume_after=5)),
    wire.ReadBlobResponse(crc32c=1, blob=wire.Blob(name="x")),
]


@pytest.mark.parametrize("message", MESSAGES, ids=range(len(MESSAGES)))
def test_a_piece_is_the_message_and_its_bytes(message: wire.ReadBlobResponse) -> None:
    piece = decode(message.SerializeToString())

    assert piece.data == message.data
    assert piece.HasField("blob") == message.HasField("blob")
    assert piece.end == message.end
    piece.message.data = message.data
    assert piece.message == message


OFFSET, DATA, CRC = b"\x08\x05", b"\x12\x02ab", b"\x1d\x07\x00\x00\x00"


@pytest.mark.parametrize(
    "encoded",
    [CRC + OFFSET + DATA, CRC + DATA + OFFSET, DATA + OFFSET, OFFSET + DATA + CRC + b"\x12\x02cd",
     OFFSET + DATA + b"\x12\x02cd", OFFSET + OFFSET + DATA, OFFSET + b"\x12\x00" + DATA],
)  # fmt: skip
def test_another_encoders_order_means_the_same(encoded: bytes) -> None:
    """Protobuf allows any order, and takes the last of several."""
    expected = wire.ReadBlobResponse.FromString(encoded)

    piece = decode(encoded)

    assert (piece.data, piece.message.offset) == (expected.data, expected.offset)


@given(st.binary(max_size=60))
def test_any_bytes_give_what_protobuf_gives_or_its_error(encoded: bytes) -> None:
    try:
        expected = wire.ReadBlobResponse.FromString(encoded)
    except DecodeError:
        with pytest.raises(DecodeError):
            decode(encoded)
        return
    piece = decode(encoded)

    assert (piece.data, piece.message.offset) == (expected.data, expected.offset)
