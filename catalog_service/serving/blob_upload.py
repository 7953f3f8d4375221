"""Takes one upload into a blob store: checks every message, then the whole."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from catalog_service.blobs.blob_writer import BlobWriter
from catalog_service.blobs.chunk_stream import crc32c_of
from catalog_service.blobs.digests import parse_digest
from catalog_service.blobs.store import BlobStore
from catalog_service.blobs.upload_writer import Announced, UploadWriter
from catalog_service.blobs.uploads import Uploads
from catalog_service.errors import (
    Corrupt,
    Exhausted,
    InvalidRequest,
    Unavailable,
    Violation,
    invalid,
)
from catalog_service.serving.blob_wire import blob_message
from catalog_service.serving.disk_threads import DiskThreads
from vertebra.blob.v1 import blob_service_pb2 as pb

MAX_BLOB_BYTES = 64 << 30
"""Largest upload unless the service says otherwise."""

MAX_PAUSE_S = 60.0
"""An upload that sends nothing for this long is given up: it holds a file and a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """What an upload may take."""

    max_blob_bytes: int = MAX_BLOB_BYTES
    max_pause_s: float = MAX_PAUSE_S


class BlobTooLarge(Exhausted):
    """More bytes than this server stores in one blob."""

    reason = "BLOB_TOO_LARGE"


async def receive_blob(
    requests: AsyncIterator[pb.WriteBlobRequest],
    *,
    store: BlobStore,
    uploads: Uploads,
    threads: DiskThreads,
    limits: UploadLimits,
) -> pb.WriteBlobResponse:
    """Store an upload; nothing is stored unless all of it is as announced.

    Without an upload id nothing stays of a call that breaks off; with one, what arrived does.
    """
    messages = _without_pauses(requests, limits.max_pause_s)
    header = await _header(messages)
    _check_total(header.expected_size_bytes, limits)
    writer = await threads.run(_writer, store, uploads, header)
    try:
        async for message in messages:
            if isinstance(writer, UploadWriter):
                writer.begin_at(message.offset)
            _check_message(message, writer.size_bytes)
            _check_total(writer.size_bytes + len(message.data), limits)
            await threads.run(writer.write, message.data)
        info = await threads.run(writer.commit)
    finally:
        await threads.run(writer.leave)
    return pb.WriteBlobResponse(blob=blob_message(info), already_existed=writer.already_existed)


async def _without_pauses(
    requests: AsyncIterator[pb.WriteBlobRequest], max_pause_s: float
) -> AsyncIterator[pb.WriteBlobRequest]:
    while True:
        try:
            async with asyncio.timeout(max_pause_s):
                request = await anext(requests, None)
        except TimeoutError as error:
            raise Unavailable(
                f"nothing arrived for {max_pause_s:g} s; nothing was stored, send the rest again",
                reason="UPLOAD_STALLED",
            ) from error
        if request is None:
            return
        yield request


async def _header(messages: AsyncIterator[pb.WriteBlobRequest]) -> pb.WriteBlobHeader:
    first = await anext(messages, None)
    if first is None or not first.HasField("header"):
        raise _bad("header", "must be in the first message")
    if first.data:
        raise _bad("data", "must not be in the first message, which has the header")
    if first.header.expected_size_bytes < 0:
        raise _bad("header.expected_size_bytes", "cannot be negative")
    return first.header


def _writer(
    store: BlobStore, uploads: Uploads, header: pb.WriteBlobHeader
) -> BlobWriter | UploadWriter:
    try:
        digest = parse_digest(header.expected_digest) if header.expected_digest else None
    except InvalidRequest as error:
        raise _bad("header.expected_digest", error.message) from error
    size_bytes = header.expected_size_bytes or None
    if not header.upload_id:
        return store.open_writer(expected_digest=digest, expected_size_bytes=size_bytes)
    announced = Announced(expected_digest=digest or "", expected_size_bytes=size_bytes)
    return uploads.open(header.upload_id, announced)


def _check_message(message: pb.WriteBlobRequest, position: int) -> None:
    if message.HasField("header"):
        raise _bad("header", "must be in the first message only")
    if message.offset != position:
        raise _bad("offset", f"is {message.offset}, but {position} bytes came before")
    if message.HasField("crc32c") and message.crc32c != crc32c_of(message.data):
        raise Corrupt(
            f"the {len(message.data)} bytes at offset {position} do not have the crc32c that came "
            "with them and were not stored; send the blob again",
            metadata={"offset": str(position)},
        )


def _check_total(size_bytes: int, limits: UploadLimits) -> None:
    if size_bytes > limits.max_blob_bytes:
        raise BlobTooLarge(
            f"a blob may have {limits.max_blob_bytes} bytes here, this one has at least "
            f"{size_bytes}; nothing was stored",
            metadata={"max_bytes": str(limits.max_blob_bytes)},
        )


def _bad(field: str, description: str) -> InvalidRequest:
    return invalid([Violation(field=field, description=description)])
