"""BlobService for any blob store: says what is there, streams it, takes uploads.

Disk work runs in threads, one step at a time, so a slow disk holds up one stream, not the server.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from typing import Any

import grpc

from catalog_service.blobs.blob import BlobInfo
from catalog_service.blobs.chunk_stream import read_chunks
from catalog_service.blobs.digests import parse_digest
from catalog_service.blobs.store import BlobStore
from catalog_service.errors import InvalidRequest, Violation, invalid
from catalog_service.serving.blob_upload import UploadLimits, receive_blob
from catalog_service.serving.blob_wire import blob_message, encoded_chunk
from catalog_service.serving.call import Context
from catalog_service.serving.disk_threads import DiskThreads
from catalog_service.serving.drain import Drain
from catalog_service.serving.server import Registration
from vertebra.blob.v1 import blob_service_pb2 as pb
from vertebra.model.v1.stream_pb2 import StreamEnd

FULL_NAME = "vertebra.blob.v1.BlobService"


class BlobServicer:
    """The servicer; register it with `blob_registration`.

    Args:
        store: where the bytes are.
        drain: downloads end with DRAINING when it closes.
        limits: what an upload may take.
    """

    def __init__(
        self, store: BlobStore, *, drain: Drain, limits: UploadLimits | None = None
    ) -> None:
        self._store = store
        self._drain = drain
        self._limits = limits or UploadLimits()
        self._threads = DiskThreads()

    async def StatBlob(  # noqa: N802  # the contract's spelling
        self, request: pb.StatBlobRequest, context: Context
    ) -> pb.StatBlobResponse:
        """Return a blob's size; NOT_FOUND when it is not here."""
        info = await self._threads.run(self._store.info, _digest(request.name))
        return pb.StatBlobResponse(blob=blob_message(info))

    async def ReadBlob(  # noqa: N802
        self, request: pb.ReadBlobRequest, context: Context
    ) -> AsyncGenerator[bytes, None]:
        """Yield serialised messages: the bytes wanted, then one with the end."""
        digest = _digest(request.name)
        _check_range(request)
        info = await self._threads.run(self._store.ensure_intact, digest)
        download = _Download(info)
        messages = download.messages(self._store, request)
        try:
            while (message := await self._threads.run(next, messages, None)) is not None:
                yield message
                if self._drain.closing.is_set():
                    yield download.end(StreamEnd.REASON_DRAINING)
                    return
            yield download.end(StreamEnd.REASON_COMPLETED)
        finally:
            messages.close()

    async def WriteBlob(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.WriteBlobRequest], context: Context
    ) -> pb.WriteBlobResponse:
        """Store what arrives; nothing is stored unless all of it is as announced."""
        return await receive_blob(
            request_iterator, store=self._store, threads=self._threads, limits=self._limits
        )


def blob_registration(servicer: BlobServicer) -> Registration:
    """Return what `start_server` wants."""
    return Registration(add=_add, servicer=servicer, full_name=FULL_NAME)


class _Download:
    """One answer of ReadBlob: where it is, and whether the blob was introduced."""

    def __init__(self, info: BlobInfo) -> None:
        self._info = info
        self._introduction: pb.Blob | None = blob_message(info)
        self._position = 0

    def messages(
        self, store: BlobStore, request: pb.ReadBlobRequest
    ) -> Generator[bytes, None, None]:
        self._position = request.offset
        chunks = read_chunks(
            store.path(self._info.digest),
            offset=request.offset,
            limit=request.limit,
            chunk_bytes=request.chunk_bytes,
        )
        for chunk in chunks:
            encoded = encoded_chunk(chunk, self._introduction)
            self._introduction = None
            self._position = chunk.offset + len(chunk.data)
            yield encoded

    def end(self, reason: StreamEnd.Reason) -> bytes:
        end = StreamEnd(reason=reason, resume_after=self._position)
        last = pb.ReadBlobResponse(offset=self._position, blob=self._introduction, end=end)
        return last.SerializeToString()


def _digest(name: str) -> str:
    try:
        return parse_digest(name)
    except InvalidRequest as error:
        raise invalid([Violation(field="name", description=error.message)]) from error


def _check_range(request: pb.ReadBlobRequest) -> None:
    numbers = {name: getattr(request, name) for name in ("offset", "limit", "chunk_bytes")}
    bad = [
        Violation(field=name, description=f"cannot be negative, such as {number}")
        for name, number in numbers.items()
        if number < 0
    ]
    if bad:
        raise invalid(bad)


def _add(servicer: BlobServicer, server: grpc.aio.Server) -> None:
    """Register the service; ReadBlob without a serialiser, because it yields bytes."""
    handlers: dict[str, Any] = {
        "StatBlob": grpc.unary_unary_rpc_method_handler(
            servicer.StatBlob,
            request_deserializer=pb.StatBlobRequest.FromString,
            response_serializer=pb.StatBlobResponse.SerializeToString,
        ),
        "ReadBlob": grpc.unary_stream_rpc_method_handler(
            servicer.ReadBlob, request_deserializer=pb.ReadBlobRequest.FromString
        ),
        "WriteBlob": grpc.stream_unary_rpc_method_handler(
            servicer.WriteBlob,
            request_deserializer=pb.WriteBlobRequest.FromString,
            response_serializer=pb.WriteBlobResponse.SerializeToString,
        ),
    }
    server.add_registered_method_handlers(FULL_NAME, handlers)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(FULL_NAME, handlers),))
