"""Moves blobs: bytes known by their sha256. What arrives is checked before it gets its name."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import grpc

from vertebra.blob.v1 import blob_service_pb2 as wire
from vertebra.blob.v1.blob_service_pb2_grpc import BlobServiceStub
from vertebra.blob_upload import FileToSend, Upload
from vertebra.byte_cursors import BlobCursor, TensorsCursor, digest_of
from vertebra.client_errors import AnswerRefused, RpcFailed
from vertebra.connection import Connection, resumed
from vertebra.piece import piece_decoder
from vertebra.staged_file import StagedFile
from vertebra.tensors_stream import TensorsStream, role_of
from vertebra.write_behind import WriteBehind

LOCAL_PIECE_BYTES = 1024 * 1024
"""A blob on this host is copied in pieces of this size."""

SERVICE = "/vertebra.blob.v1.BlobService"


def _nobody(num_bytes: int) -> None:
    """Take note of no progress."""


class BlobClient:
    """Reads, downloads and uploads blobs of one service; `.blobs` of the other clients."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = BlobServiceStub(connection.channel)  # type: ignore[no-untyped-call]
        self._read_blob = connection.channel.unary_stream(
            f"{SERVICE}/ReadBlob",
            request_serializer=wire.ReadBlobRequest.SerializeToString,
            response_deserializer=piece_decoder(wire.ReadBlobResponse.FromString),
        )
        self._read_tensors = connection.channel.unary_stream(
            f"{SERVICE}/ReadTensors",
            request_serializer=wire.ReadTensorsRequest.SerializeToString,
            response_deserializer=piece_decoder(wire.ReadTensorsResponse.FromString),
        )

    def stat(self, name: str) -> wire.Blob:
        """Return the blob's digest and size; `name` is `blobs/sha256:<hex>` or `sha256:<hex>`.

        Raises:
            RpcFailed: BLOB_NOT_FOUND, or FIELD_INVALID for a malformed name.
        """
        blob: wire.Blob = self._stat(name).blob
        return blob

    def local_file(self, name: str) -> Path | None:
        """Return the blob's own file where the service is on this host and we can open it.

        It never changes: it can be mapped for as long as it is needed. Never write there.

        Raises:
            RpcFailed: as `stat`.
        """
        digest = digest_of(name)
        answer = self._stat(digest)
        path = Path(answer.local_path)
        if not answer.local_path or path.name != digest.removeprefix("sha256:"):
            return None
        try:
            with path.open("rb") as file:
                is_whole = file.seek(0, 2) == answer.blob.size_bytes
        except OSError:
            return None  # another container's path, or not for our eyes
        return path if is_whole else None

    def read(self, name: str, offset: int = 0, limit: int = 0) -> Iterator[bytes]:
        """Yield a blob's bytes in order, resuming where the stream breaks; limit 0 is to the end.

        Every offset and checksum is compared. A part of a blob cannot be compared with the digest:
        use `download` for whole ones.

        Raises:
            AnswerRefused: an offset, a checksum or the amount of bytes is not what it must be.
            RpcFailed: BLOB_NOT_FOUND, OFFSET_BEYOND_END, DIGEST_MISMATCH, FIELD_INVALID.
        """
        return self._pieces_of_blob(name, offset, limit)

    def read_tensors(
        self,
        name: str,
        *,
        role: str = "",
        tensors: Sequence[str] = (),
        dtype: str = "",
        header_only: bool = False,
        if_none_match: str = "",
    ) -> TensorsStream:
        """Return chosen tensors of a built model or a blob as one safetensors file on its way.

        Args:
            name: `models/<id>` or `blobs/sha256:<hex>`.
            role: `backbone`, `neck`, `head` or `aux`, of a model; empty is all.
            tensors: names, or patterns with `*`; empty is all.
            dtype: `F32`, `F16` or `BF16` casts floating-point tensors.
            header_only: names, dtypes and shapes without numbers.
            if_none_match: the etag of what the caller has; then nothing comes if it is the same.
        """
        request = wire.ReadTensorsRequest(
            name=name,
            role=role_of(role),
            tensors=tensors,
            dtype=dtype,
            header_only=header_only,
            if_none_match=if_none_match,
        )
        return TensorsStream(self._connection, self._read_tensors, TensorsCursor(request))

    def download(
        self, name: str, path: str | Path, *, on_bytes: Callable[[int], None] = _nobody
    ) -> Path:
        """Return `path`, holding the whole verified blob; replaces a file that is there.

        The bytes are written to a hidden file beside it, continued from an earlier download of the
        same blob, compared with the digest, fsynced and only then renamed.

        Args:
            on_bytes: called with how many bytes are there.

        Raises:
            AnswerRefused: the bytes that arrive are not the blob's; `path` is left as it was.
            RpcFailed: as `read`.
        """
        digest = digest_of(name)
        target = Path(path)
        if target.is_file() and digest_of_file(target) == digest:
            return target
        with StagedFile(target, digest) as staged:
            if staged.digest != digest:
                self._fetch_blob(staged, digest, on_bytes)
            self._commit(staged, target, digest)
        return target

    def save_tensors(
        self,
        name: str,
        path: str | Path,
        *,
        role: str = "",
        tensors: Sequence[str] = (),
        dtype: str = "",
    ) -> Path:
        """Return `path`, holding chosen tensors as one verified safetensors file.

        Written as `download` does it, and continued from an earlier attempt to save the same.

        Args:
            name, role, tensors, dtype: as in `read_tensors`.

        Raises:
            AnswerRefused: the bytes that arrive are not the file's; `path` is left as it was.
            RpcFailed: as ReadTensors in the contract says.
        """
        request = wire.ReadTensorsRequest(
            name=name, role=role_of(role), tensors=tensors, dtype=dtype
        )
        key = hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()
        target = Path(path)
        with StagedFile(target, f"sha256:{key}") as staged:
            had_some = staged.size_bytes > 0
            digest = self._fetch_tensors(staged, request)
            if had_some and staged.digest != digest:
                staged.restart()
                digest = self._fetch_tensors(staged, request)
            self._commit(staged, target, digest)
        return target

    def _stat(self, name: str) -> wire.StatBlobResponse:
        request = wire.StatBlobRequest(name=name)
        answer: wire.StatBlobResponse = self._connection.call(self._stub.StatBlob, request)
        return answer

    def _pieces_of_blob(self, name: str, offset: int, limit: int) -> Iterator[bytes]:
        cursor = BlobCursor(name, offset=offset, limit=limit)
        return resumed(self._connection, self._read_blob, cursor)

    def _fetch_blob(self, staged: StagedFile, digest: str, on_bytes: Callable[[int], None]) -> None:
        """Append what is missing; start over where what was there turns out to be wrong."""
        had_some = staged.size_bytes > 0
        local = self.local_file(digest)
        _fill(staged, _counted(self._rest_of_blob(staged, digest, local), staged, on_bytes))
        if had_some and staged.digest != digest:
            staged.restart()
            _fill(staged, _counted(self._rest_of_blob(staged, digest, local), staged, on_bytes))

    def _rest_of_blob(self, staged: StagedFile, digest: str, local: Path | None) -> Iterator[bytes]:
        if local is not None:
            yield from _pieces_of_file(local, staged.size_bytes)
            return
        with _forgiving_too_much():
            yield from self._pieces_of_blob(digest, staged.size_bytes, 0)

    def _fetch_tensors(self, staged: StagedFile, request: wire.ReadTensorsRequest) -> str:
        """Append what is missing; return the whole file's digest, empty where it is not known."""
        request.offset = staged.size_bytes
        cursor = TensorsCursor(request)
        with _forgiving_too_much():
            _fill(staged, resumed(self._connection, self._read_tensors, cursor))
        return cursor.digest

    def _commit(self, staged: StagedFile, target: Path, digest: str) -> None:
        if staged.digest != digest:
            staged.discard()
            raise AnswerRefused(
                f"what {self._connection.address} sent for {digest} has another sha256;"
                f" {target} was left as it was",
                reason="DIGEST_MISMATCH",
            )
        staged.commit()

    def upload(
        self, path: str | Path, *, digest: str = "", on_bytes: Callable[[int], None] = _nobody
    ) -> wire.Blob:
        """Return the blob that the file at `path` is now; bytes that are there are not sent.

        A call that breaks is continued where it broke, also by the next process.

        Args:
            digest: of the file, where the caller has just read it.
            on_bytes: called with how many bytes went out.

        Raises:
            RpcFailed: DISK_FULL, BLOB_TOO_LARGE, DIGEST_MISMATCH: nothing was stored.
        """
        file = Path(path)
        digest, size_bytes = digest or digest_of_file(file), file.stat().st_size
        try:
            return self.stat(digest)
        except RpcFailed as failure:
            if failure.code is not grpc.StatusCode.NOT_FOUND:
                raise
        blob = Upload(
            self._connection, self._stub, FileToSend.of(file, digest), on_bytes=on_bytes
        ).blob()
        if (blob.digest, blob.size_bytes) != (digest, size_bytes):
            address = self._connection.address
            raise AnswerRefused(f"{file} is {digest}, but {address} says it stored {blob.digest}")
        return blob


@contextmanager
def _forgiving_too_much() -> Iterator[None]:
    """What an earlier download left may be longer than the file: then it is wrong, not the call."""
    try:
        yield
    except RpcFailed as failure:
        if failure.reason != "OFFSET_BEYOND_END":
            raise


def _counted(
    pieces: Iterable[bytes], staged: StagedFile, on_bytes: Callable[[int], None]
) -> Iterator[bytes]:
    """Yield pieces, and say how much of the file is there with each."""
    num_bytes = staged.size_bytes
    for piece in pieces:
        num_bytes += len(piece)
        on_bytes(num_bytes)
        yield piece


def _fill(staged: StagedFile, pieces: Iterable[bytes]) -> None:
    with WriteBehind(staged.write) as behind:
        for piece in pieces:
            behind.put(piece)


def _pieces_of_file(path: Path, offset: int) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        while piece := file.read(LOCAL_PIECE_BYTES):
            yield piece


def digest_of_file(path: Path) -> str:
    """Return `sha256:<hex>` of a file's bytes."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
