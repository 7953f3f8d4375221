"""Moves blobs: bytes known by their sha256. What arrives is checked before it gets its name."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import google_crc32c
import grpc

from vertebra.blob.v1 import blob_service_pb2 as wire
from vertebra.blob.v1.blob_service_pb2_grpc import BlobServiceStub
from vertebra.client_errors import AnswerRefused, RpcFailed
from vertebra.connection import Connection, resumed
from vertebra.model.v1 import stream_pb2
from vertebra.staged_file import StagedFile

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

CHUNK_BYTES = 1024 * 1024
"""Wanted size of a message's data when reading, the largest that a server sends. Beside 256 KiB the
server needs a quarter less CPU time for it and we the same.

Source: our own measurements of grpcio 1.85 on loopback, 42 downloads of 102 MB each.
"""

PIECE_BYTES = 256 * 1024
"""Size of a message's data when writing."""

SLOWEST_BYTES_PER_S = 256 * 1024
"""An upload may take as long as this speed needs, beyond the usual deadline."""


class BlobClient:
    """Reads, downloads and uploads blobs of one service; `.blobs` of the other clients."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = BlobServiceStub(connection.channel)  # type: ignore[no-untyped-call]

    def stat(self, name: str) -> wire.Blob:
        """Return the blob's digest and size; `name` is `blobs/sha256:<hex>` or `sha256:<hex>`.

        Raises:
            RpcFailed: BLOB_NOT_FOUND, or FIELD_INVALID for a malformed name.
        """
        answer = self._connection.call(self._stub.StatBlob, wire.StatBlobRequest(name=name))
        blob: wire.Blob = answer.blob
        return blob

    def read(self, name: str, offset: int = 0, limit: int = 0) -> Iterator[bytes]:
        """Yield a blob's bytes in order, resuming where the stream breaks; limit 0 is to the end.

        Every offset and checksum is compared. A part of a blob cannot be compared with the digest:
        use `download` for whole ones.

        Raises:
            AnswerRefused: an offset, a checksum or the amount of bytes is not what it must be.
            RpcFailed: BLOB_NOT_FOUND, OFFSET_BEYOND_END, DIGEST_MISMATCH, FIELD_INVALID.
        """
        cursor = BlobCursor(name, offset=offset, limit=limit)
        return resumed(self._connection, self._stub.ReadBlob, cursor)

    def download(self, name: str, path: str | Path) -> Path:
        """Return `path`, holding the whole verified blob; replaces a file that is there.

        The bytes are written to a hidden file beside it, continued from an earlier download of the
        same blob, compared with the digest, fsynced and only then renamed.

        Raises:
            AnswerRefused: the bytes that arrive are not the blob's; `path` is left as it was.
            RpcFailed: as `read`.
        """
        digest = digest_of(name)
        target = Path(path)
        if target.is_file() and _digest_of_file(target) == digest:
            return target
        with StagedFile(target, digest) as staged:
            num_bytes_before = staged.size_bytes
            self._fill(staged, digest)
            if not staged.is_verified and num_bytes_before:
                staged.restart()
                self._fill(staged, digest)
            if not staged.is_verified:
                staged.discard()
                raise AnswerRefused(
                    f"what {self._connection.address} sent for {digest} is not that blob;"
                    f" {target} was left as it was",
                    reason="DIGEST_MISMATCH",
                )
            staged.commit()
        return target

    def _fill(self, staged: StagedFile, digest: str) -> None:
        if staged.is_verified:
            return
        try:
            for data in self.read(digest, staged.size_bytes):
                staged.write(data)
        except RpcFailed as failure:
            if failure.reason != "OFFSET_BEYOND_END":
                raise

    def upload(self, path: str | Path) -> wire.Blob:
        """Return the blob that the file at `path` is now; bytes that are there are not sent.

        Raises:
            RpcFailed: DISK_FULL, BLOB_TOO_LARGE, DIGEST_MISMATCH: nothing was stored.
        """
        file = Path(path)
        digest, size_bytes = _digest_of_file(file), file.stat().st_size
        try:
            return self.stat(digest)
        except RpcFailed as failure:
            if failure.code is not grpc.StatusCode.NOT_FOUND:
                raise
        return self._send(file, digest, size_bytes)

    def _send(self, file: Path, digest: str, size_bytes: int) -> wire.Blob:
        """Send the whole file; a broken upload starts over, which stores nothing twice."""
        answer = self._connection.send(
            self._stub.WriteBlob,
            lambda: _pieces(file, digest, size_bytes),
            timeout_s=self._connection.timeout_s + size_bytes / SLOWEST_BYTES_PER_S,
        )
        blob: wire.Blob = answer.blob
        if (blob.digest, blob.size_bytes) != (digest, size_bytes):
            address = self._connection.address
            raise AnswerRefused(f"{file} is {digest}, but {address} says it stored {blob.digest}")
        return blob


class BlobCursor:
    """How far a blob, or a range of it, has been read."""

    def __init__(self, name: str, *, offset: int, limit: int) -> None:
        self._name = name
        self._digest = digest_of(name)
        self._position = offset
        self._end = offset + limit if limit else None
        self._size_bytes: int | None = None

    def request(self) -> wire.ReadBlobRequest:
        """Return the request for the bytes after the last ones that came."""
        limit = self._end - self._position if self._end is not None else 0
        return wire.ReadBlobRequest(
            name=self._name, offset=self._position, limit=limit, chunk_bytes=CHUNK_BYTES
        )

    def take(self, message: wire.ReadBlobResponse) -> Iterable[bytes]:
        """Return the message's bytes, compared with where we are and with their checksum."""
        if message.HasField("blob"):
            self._take_size(message.blob)
        if not message.data:
            return ()
        if message.offset != self._position:
            raise AnswerRefused(
                f"{self._digest}: asked for offset {self._position}, got offset {message.offset}"
            )
        if google_crc32c.value(message.data) != message.crc32c:
            raise AnswerRefused(
                f"{self._digest}: the bytes at offset {message.offset} do not match their checksum"
            )
        self._position += len(message.data)
        self._check_not_beyond_end()
        return (message.data,)

    def finish(self, end: stream_pb2.StreamEnd) -> None:
        """Check that all the bytes came."""
        if self._end is not None and self._position < self._end:
            raise AnswerRefused(
                f"{self._digest}: called complete at {self._position} of {self._end} bytes"
            )

    def _take_size(self, blob: wire.Blob) -> None:
        if blob.digest != self._digest:
            raise AnswerRefused(f"asked for {self._digest}, got {blob.digest}")
        if self._size_bytes not in (None, blob.size_bytes):
            raise AnswerRefused(
                f"{self._digest}: first {self._size_bytes}, now {blob.size_bytes} bytes"
            )
        self._size_bytes = blob.size_bytes
        wanted = blob.size_bytes if self._end is None else self._end
        self._end = min(wanted, blob.size_bytes)

    def _check_not_beyond_end(self) -> None:
        if self._end is not None and self._position > self._end:
            raise AnswerRefused(
                f"{self._digest}: {self._position - self._end} bytes more than asked for"
            )


def digest_of(name: str) -> str:
    """Return `sha256:<hex>` for `blobs/sha256:<hex>` or `sha256:<hex>`.

    Raises:
        ValueError: it is neither.
    """
    digest = name.removeprefix("blobs/")
    if not DIGEST.fullmatch(digest):
        raise ValueError(f"{name!r} is not a blob; expected 'blobs/sha256:<64 hex digits>'")
    return digest


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _pieces(path: Path, digest: str, size_bytes: int) -> Iterator[wire.WriteBlobRequest]:
    yield wire.WriteBlobRequest(
        header=wire.WriteBlobHeader(expected_digest=digest, expected_size_bytes=size_bytes)
    )
    with path.open("rb") as file:
        offset = 0
        while data := file.read(PIECE_BYTES):
            yield wire.WriteBlobRequest(offset=offset, data=data, crc32c=google_crc32c.value(data))
            offset += len(data)
