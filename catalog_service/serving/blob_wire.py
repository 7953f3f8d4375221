"""Blob values as messages, and a chunk as bytes without a message in between."""

from catalog_service.blobs.blob import BlobInfo
from catalog_service.blobs.chunk_stream import Chunk
from vertebra.blob.v1 import blob_service_pb2 as pb

Piece = pb.ReadBlobResponse | pb.ReadTensorsResponse

_DATA_TAG = b"\x12"
"""Field 2, length-delimited: `data` of both messages."""


def blob_message(info: BlobInfo) -> pb.Blob:
    """Return a blob as the contract has it."""
    return pb.Blob(name=f"blobs/{info.digest}", digest=info.digest, size_bytes=info.size_bytes)


def encoded_chunk(chunk: Chunk, introduction: Piece) -> bytes:
    """Return a serialised message with a chunk's bytes, equal to what protobuf makes of it.

    A message object would copy the data twice; this copies it once.

    Args:
        introduction: the message without the chunk: empty but in the first of a stream.
    """
    kind = type(introduction)
    before = kind(offset=chunk.offset).SerializeToString()
    introduction.crc32c = chunk.crc32c
    after = introduction.SerializeToString()
    if not chunk.data:
        return before + after
    return b"".join((before, _DATA_TAG, _varint(len(chunk.data)), chunk.data, after))


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
