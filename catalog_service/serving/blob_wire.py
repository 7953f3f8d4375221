"""Blob values as messages, and a chunk as bytes without a message in between."""

from catalog_service.blobs.blob import BlobInfo
from catalog_service.blobs.chunk_stream import Chunk
from vertebra.blob.v1 import blob_service_pb2 as pb

_DATA_TAG = b"\x12"
"""Field 2, length-delimited: `ReadBlobResponse.data`."""


def blob_message(info: BlobInfo) -> pb.Blob:
    """Return a blob as the contract has it."""
    return pb.Blob(name=f"blobs/{info.digest}", digest=info.digest, size_bytes=info.size_bytes)


def encoded_chunk(chunk: Chunk, blob: pb.Blob | None) -> bytes:
    """Return a serialised ReadBlobResponse, equal to what protobuf makes of it.

    A message object would copy the data twice; this copies it once.
    """
    before = pb.ReadBlobResponse(offset=chunk.offset).SerializeToString()
    after = pb.ReadBlobResponse(crc32c=chunk.crc32c, blob=blob).SerializeToString()
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
