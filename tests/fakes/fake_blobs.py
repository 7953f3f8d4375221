"""A blob service that keeps bytes in memory, and that can break off or lie."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import google_crc32c
import grpc

from tests.fakes.fake_server import refuse
from vertebra.blob.v1 import blob_service_pb2 as wire
from vertebra.blob.v1 import blob_service_pb2_grpc
from vertebra.model.v1 import stream_pb2


@dataclass(kw_only=True)
class FakeBlobs(blob_service_pb2_grpc.BlobServiceServicer):
    """Serves `blobs`. `breaks` says after how many chunks each opening breaks; then none does."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    chunk_bytes: int = 1000
    breaks: list[int] = field(default_factory=list)
    break_code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE
    break_message: str = "connection reset"
    lie: str = ""
    """`offset`, `checksum`, `bytes`, `digest`, `more` or `short`."""
    offsets_asked: list[int] = field(default_factory=list)
    tensor_files: dict[str, bytes] = field(default_factory=dict)
    """What ReadTensors sends for a name, whatever is chosen of it."""
    tensors_asked: list[wire.ReadTensorsRequest] = field(default_factory=list)
    local_folder: Path | None = None
    """Where StatBlob says that blobs are; they are if a test put them there."""
    num_writes: int = 0
    num_written_bytes: int = 0
    write_breaks: int = 0
    """How many writes break after their first piece; what came of them stays."""
    write_expiries: int = 0
    """How many writes end as their caller's token does, after their first piece."""
    num_held: int = 0
    """How many writes after the first find that it is not missed yet."""
    write_refusal: tuple[grpc.StatusCode, str, str] | None = None
    """Code, reason and message that every write ends with, after its first piece."""
    uploads: dict[str, bytes] = field(default_factory=dict)
    uploads_in_use: set[str] = field(default_factory=set)

    def add_to(self, server: grpc.Server) -> None:
        """Register with a server."""
        blob_service_pb2_grpc.add_BlobServiceServicer_to_server(self, server)  # type: ignore[no-untyped-call]

    def keep(self, data: bytes) -> wire.Blob:
        """Store bytes."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blobs[digest] = data
        return wire.Blob(name=f"blobs/{digest}", digest=digest, size_bytes=len(data))

    def _data(self, name: str, context: grpc.ServicerContext) -> bytes:
        digest = name.removeprefix("blobs/")
        if digest not in self.blobs:
            code = grpc.StatusCode.NOT_FOUND
            refuse(context, code, "BLOB_NOT_FOUND", f"no blob {digest} here")
        return self.blobs[digest]

    def StatBlob(  # noqa: N802
        self, request: wire.StatBlobRequest, context: grpc.ServicerContext
    ) -> wire.StatBlobResponse:
        """Say size and digest, and where the blob is."""
        blob = self.keep(self._data(request.name, context))
        path = self.local_folder / blob.digest.removeprefix("sha256:") if self.local_folder else ""
        return wire.StatBlobResponse(blob=blob, local_path=str(path))

    def ReadBlob(  # noqa: N802
        self, request: wire.ReadBlobRequest, context: grpc.ServicerContext
    ) -> Iterator[wire.ReadBlobResponse]:
        """Stream bytes, honestly or not."""
        data = self._data(request.name, context)
        self.offsets_asked.append(request.offset)
        if request.offset > len(data):
            code = grpc.StatusCode.OUT_OF_RANGE
            refuse(context, code, "OFFSET_BEYOND_END", f"{request.offset} is beyond the end")
        num_left = self.breaks.pop(0) if self.breaks else -1
        end = min(len(data), request.offset + request.limit) if request.limit else len(data)
        for number, message in enumerate(self._messages(data, request.offset, end)):
            if number == num_left:
                context.abort(self.break_code, self.break_message)
            yield message
        if num_left < 0:
            done = stream_pb2.StreamEnd.REASON_COMPLETED
            yield wire.ReadBlobResponse(end=stream_pb2.StreamEnd(reason=done, resume_after=end))

    def _messages(self, data: bytes, begin: int, end: int) -> Iterator[wire.ReadBlobResponse]:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        blob = wire.Blob(name=f"blobs/{digest}", digest=digest, size_bytes=len(data))
        if self.lie == "digest":
            blob.digest = "sha256:" + "0" * 64
        if self.lie == "short":
            end -= 1
        for number, offset in enumerate(range(begin, end, self.chunk_bytes)):
            piece = data[offset : min(offset + self.chunk_bytes, end)]
            yield self._message(piece, offset, blob if number == 0 else None)
        if self.lie == "more":
            yield self._message(b"!", end, None)

    def _message(self, data: bytes, offset: int, blob: wire.Blob | None) -> wire.ReadBlobResponse:
        checksum = google_crc32c.value(data)
        if self.lie == "bytes" and offset:
            data = b"x" * len(data)
            checksum = google_crc32c.value(data)
        if self.lie == "checksum" and offset:
            checksum ^= 1
        if self.lie == "offset" and offset:
            offset = 0
        return wire.ReadBlobResponse(offset=offset, data=data, crc32c=checksum, blob=blob)

    def ReadTensors(  # noqa: N802
        self, request: wire.ReadTensorsRequest, context: grpc.ServicerContext
    ) -> Iterator[wire.ReadTensorsResponse]:
        """Stream a file, honestly or not."""
        self.tensors_asked.append(request)
        data = self.tensor_files[request.name]
        etag = f"{request.name} {request.role} {request.dtype} {hash(data)}"
        if self.lie == "etag":
            etag = f"number {len(self.tensors_asked)}"
        file = wire.TensorsFile(etag=etag, size_bytes=len(data))
        if request.if_none_match == etag:
            file.is_not_modified = True
            end = stream_pb2.StreamEnd(reason=stream_pb2.StreamEnd.REASON_COMPLETED)
            yield wire.ReadTensorsResponse(file=file, end=end)
            return
        num_left = self.breaks.pop(0) if self.breaks else -1
        for number, piece in enumerate(self._messages(data, request.offset, len(data))):
            if number == num_left:
                context.abort(self.break_code, self.break_message)
            yield wire.ReadTensorsResponse(
                offset=piece.offset,
                data=piece.data,
                crc32c=piece.crc32c,
                file=None if number else file,
            )
        done = stream_pb2.StreamEnd.REASON_COMPLETED
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        yield wire.ReadTensorsResponse(
            end=stream_pb2.StreamEnd(reason=done, resume_after=len(data)),
            digest="sha256:" + "0" * 64 if self.lie == "digest" else digest,
        )

    def WriteBlob(  # noqa: N802
        self, requests: Iterator[wire.WriteBlobRequest], context: grpc.ServicerContext
    ) -> wire.WriteBlobResponse:
        """Store what comes, after comparing it with what was announced."""
        self.num_writes += 1
        header = next(requests).header
        is_held = self.num_writes > 1 and self.num_held > 0
        self.num_held -= is_held
        if is_held or header.upload_id in self.uploads_in_use:
            code = grpc.StatusCode.FAILED_PRECONDITION
            refuse(context, code, "UPLOAD_IN_USE", "another call is writing it")
        data = self.uploads.get(header.upload_id, b"")
        for request in requests:
            assert request.offset == len(data)
            assert request.crc32c == google_crc32c.value(request.data)
            data += request.data
            self.num_written_bytes += len(request.data)
            self.uploads[header.upload_id] = data
            if self.write_refusal:
                refuse(context, *self.write_refusal)
            if self.num_writes <= self.write_expiries:
                code = grpc.StatusCode.UNAUTHENTICATED
                refuse(context, code, "AUTH_EXPIRED", "the token expired meanwhile")
            if self.num_writes <= self.write_breaks:
                context.abort(grpc.StatusCode.INTERNAL, "Stream removed (RST_STREAM, code 2)")
        assert len(data) == header.expected_size_bytes
        del self.uploads[header.upload_id]
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != header.expected_digest:
            refuse(context, grpc.StatusCode.DATA_LOSS, "DIGEST_MISMATCH", "not what was announced")
        if self.lie == "digest":
            data += b"!"
        return wire.WriteBlobResponse(blob=self.keep(data))

    def QueryWrite(  # noqa: N802
        self, request: wire.QueryWriteRequest, context: grpc.ServicerContext
    ) -> wire.QueryWriteResponse:
        """Say how much has arrived."""
        if request.upload_id not in self.uploads:
            refuse(context, grpc.StatusCode.NOT_FOUND, "UPLOAD_NOT_FOUND", "begin at 0")
        return wire.QueryWriteResponse(committed_bytes=len(self.uploads[request.upload_id]))
