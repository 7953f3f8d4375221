"""BlobService for any blob store: says what is there, streams it, takes uploads.

Disk work runs in threads, one step at a time, so a slow disk holds up one stream, not the server.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc

from catalog_service.blobs.chunk_stream import read_chunks
from catalog_service.blobs.digests import parse_digest
from catalog_service.blobs.store import BlobStore
from catalog_service.blobs.tensor_plan import TensorPlan, header_alone, plan_tensors
from catalog_service.blobs.tensor_stream import KnownDigests, TensorStream
from catalog_service.blobs.uploads import Uploads
from catalog_service.errors import InvalidRequest, Violation, invalid
from catalog_service.serving.blob_upload import UploadLimits, receive_blob
from catalog_service.serving.blob_wire import blob_message
from catalog_service.serving.call import Context
from catalog_service.serving.disk_threads import DiskThreads
from catalog_service.serving.download import Download
from catalog_service.serving.drain import Drain
from catalog_service.serving.peers import is_on_this_host
from catalog_service.serving.server import Registration
from catalog_service.serving.tensor_selection import ModelLookup, check_request, chosen_tensors
from vertebra.blob.v1 import blob_service_pb2 as pb

FULL_NAME = "vertebra.blob.v1.BlobService"


class BlobServicer:
    """The servicer; register it with `blob_registration`.

    Args:
        store: where the bytes are.
        drain: downloads end with DRAINING when it closes.
        models: finds what `models/<id>` means; None where there are blobs alone.
        shares_paths: callers on this host are told where a blob is.
        limits: what an upload may take.
    """

    def __init__(
        self,
        store: BlobStore,
        *,
        drain: Drain,
        models: ModelLookup | None = None,
        shares_paths: bool = False,
        limits: UploadLimits | None = None,
    ) -> None:
        self._store = store
        self._drain = drain
        self._models = models
        self._shares_paths = shares_paths
        self._limits = limits or UploadLimits()
        self._uploads = Uploads(store)
        self._threads = DiskThreads()
        self._known_digests = KnownDigests()

    async def StatBlob(  # noqa: N802  # the contract's spelling
        self, request: pb.StatBlobRequest, context: Context
    ) -> pb.StatBlobResponse:
        """Return a blob's size; NOT_FOUND when it is not here."""
        digest = _digest(request.name)
        if not (self._shares_paths and is_on_this_host(context.peer())):
            info = await self._threads.run(self._store.info, digest)
            return pb.StatBlobResponse(blob=blob_message(info))
        info = await self._threads.run(self._store.ensure_intact, digest)
        path = self._store.path(digest).absolute()
        return pb.StatBlobResponse(blob=blob_message(info), local_path=str(path))

    async def ReadBlob(  # noqa: N802
        self, request: pb.ReadBlobRequest, context: Context
    ) -> AsyncGenerator[bytes, None]:
        """Yield serialised messages: the bytes wanted, then one with the end."""
        digest = _digest(request.name)
        _check_range(request)
        info = await self._threads.run(self._store.ensure_intact, digest)
        chunks = read_chunks(
            self._store.path(digest),
            offset=request.offset,
            limit=request.limit,
            chunk_bytes=request.chunk_bytes,
        )
        first = pb.ReadBlobResponse(blob=blob_message(info))
        download = Download(first, request.offset, threads=self._threads, drain=self._drain)
        async with aclosing(download.messages(chunks)) as messages:
            async for message in messages:
                yield message
        yield download.end().SerializeToString()

    async def ReadTensors(  # noqa: N802
        self, request: pb.ReadTensorsRequest, context: Context
    ) -> AsyncGenerator[bytes, None]:
        """Yield serialised messages: a safetensors file, then one with the end and its digest."""
        check_request(request)
        plan = await self._threads.run(self._plan, request)
        first = pb.ReadTensorsResponse(file=_file_message(plan, request.if_none_match))
        download = Download(first, request.offset, threads=self._threads, drain=self._drain)
        if first.file.is_not_modified:
            download.is_completed = True
            yield download.end().SerializeToString()
            return
        stream = TensorStream(
            plan,
            offset=request.offset,
            chunk_bytes=request.chunk_bytes,
            known=self._known_digests,
        )
        async with aclosing(download.messages(stream.chunks())) as messages:
            async for message in messages:
                yield message
        last = download.end()
        assert isinstance(last, pb.ReadTensorsResponse)
        last.digest = stream.digest if download.is_completed else ""
        yield last.SerializeToString()

    async def WriteBlob(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.WriteBlobRequest], context: Context
    ) -> pb.WriteBlobResponse:
        """Store what arrives; nothing is stored unless all of it is as announced."""
        return await receive_blob(
            request_iterator,
            store=self._store,
            uploads=self._uploads,
            threads=self._threads,
            limits=self._limits,
        )

    async def QueryWrite(  # noqa: N802
        self, request: pb.QueryWriteRequest, context: Context
    ) -> pb.QueryWriteResponse:
        """Return what is safely here of an upload; NOT_FOUND when nothing is."""
        state = await self._threads.run(self._uploads.state, request.upload_id)
        return pb.QueryWriteResponse(
            committed_bytes=state.committed_bytes,
            complete=state.blob is not None,
            blob=blob_message(state.blob) if state.blob else None,
        )

    def _plan(self, request: pb.ReadTensorsRequest) -> TensorPlan:
        chosen = chosen_tensors(request, self._store, self._models)
        plan = plan_tensors(chosen, dtype=request.dtype)
        return header_alone(plan) if request.header_only else plan


def blob_registration(servicer: BlobServicer) -> Registration:
    """Return what `start_server` wants."""
    return Registration(add=_add, servicer=servicer, full_name=FULL_NAME)


def _digest(name: str) -> str:
    try:
        return parse_digest(name)
    except InvalidRequest as error:
        raise invalid([Violation(field="name", description=error.message)]) from error


def _file_message(plan: TensorPlan, if_none_match: str) -> pb.TensorsFile:
    return pb.TensorsFile(
        etag=plan.etag,
        size_bytes=plan.size_bytes,
        num_tensors=plan.num_tensors,
        is_not_modified=if_none_match == plan.etag,
    )


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
    """Register the service; what yields bytes has no serialiser."""
    handlers: dict[str, Any] = {
        "StatBlob": grpc.unary_unary_rpc_method_handler(
            servicer.StatBlob,
            request_deserializer=pb.StatBlobRequest.FromString,
            response_serializer=pb.StatBlobResponse.SerializeToString,
        ),
        "ReadBlob": grpc.unary_stream_rpc_method_handler(
            servicer.ReadBlob, request_deserializer=pb.ReadBlobRequest.FromString
        ),
        "ReadTensors": grpc.unary_stream_rpc_method_handler(
            servicer.ReadTensors, request_deserializer=pb.ReadTensorsRequest.FromString
        ),
        "WriteBlob": grpc.stream_unary_rpc_method_handler(
            servicer.WriteBlob,
            request_deserializer=pb.WriteBlobRequest.FromString,
            response_serializer=pb.WriteBlobResponse.SerializeToString,
        ),
        "QueryWrite": grpc.unary_unary_rpc_method_handler(
            servicer.QueryWrite,
            request_deserializer=pb.QueryWriteRequest.FromString,
            response_serializer=pb.QueryWriteResponse.SerializeToString,
        ),
    }
    server.add_registered_method_handlers(FULL_NAME, handlers)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(FULL_NAME, handlers),))
