"""Sends one file into a blob store, and goes on where a broken call stopped.

The upload's id follows from the file's digest: another process that sends the same file goes on
too. Where two send it at once, the second takes an id of its own.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import NAMESPACE_URL, uuid4, uuid5

import google_crc32c
import grpc

from vertebra.blob.v1 import blob_service_pb2 as wire
from vertebra.blob.v1.blob_service_pb2_grpc import BlobServiceStub
from vertebra.client_errors import RpcFailed
from vertebra.connection import Backoff, Connection

PIECE_BYTES = 256 * 1024
"""Size of a message's data."""

SLOWEST_BYTES_PER_S = 256 * 1024
"""An upload may take as long as this speed needs, beyond the usual deadline."""

MOST_IN_USE = 10
"""How often an upload that our own broken call still holds is asked for again, before the rest goes
under another id. A service lets go of a silent call after 5 s."""

NOTHING_YET = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED)
"""What QueryWrite says of a new upload; a service of an earlier release does not know the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileToSend:
    """A file and what is announced of it."""

    path: Path
    digest: str
    size_bytes: int
    upload_id: str

    @classmethod
    def of(cls, path: Path, digest: str) -> "FileToSend":
        """Return the file at `path`, whose bytes have `digest`."""
        upload_id = str(uuid5(NAMESPACE_URL, f"vertebra-upload:{digest}"))
        return cls(path=path, digest=digest, size_bytes=path.stat().st_size, upload_id=upload_id)

    def messages(self, offset: int) -> Iterator[wire.WriteBlobRequest]:
        """Yield the header and the bytes from `offset` on."""
        yield wire.WriteBlobRequest(
            header=wire.WriteBlobHeader(
                expected_digest=self.digest,
                expected_size_bytes=self.size_bytes,
                upload_id=self.upload_id,
            )
        )
        with self.path.open("rb") as file:
            file.seek(offset)
            while data := file.read(PIECE_BYTES):
                crc32c = google_crc32c.value(data)
                yield wire.WriteBlobRequest(offset=offset, data=data, crc32c=crc32c)
                offset += len(data)


class Upload:
    """The sending of one file, over as many calls as it takes."""

    def __init__(
        self,
        connection: Connection,
        stub: BlobServiceStub,
        file: FileToSend,
        *,
        on_bytes: Callable[[int], None],
    ) -> None:
        self._on_bytes = on_bytes
        self._connection = connection
        self._stub = stub
        self._file = file
        self._backoff = Backoff(
            replace(connection.pace, steady_s=math.inf), has_answered=connection.has_answered
        )
        self._furthest = 0
        self._has_broken = False
        self._num_in_use = 0
        self._has_begun_again = False

    def blob(self) -> wire.Blob:
        """Return the blob that the service has made of the file.

        Raises:
            RpcFailed: the service refused, or the way there kept breaking without progress.
        """
        while True:
            try:
                return self._once()
            except RpcFailed as failure:
                self._after(failure)

    def _once(self) -> wire.Blob:
        arrived = self._arrived()
        if arrived.complete:
            return arrived.blob
        self._backoff.opened()
        answer: wire.WriteBlobResponse = self._connection.send_once(
            self._stub.WriteBlob,
            self._messages(min(arrived.committed_bytes, self._file.size_bytes)),
            timeout_s=self._connection.timeout_s + self._file.size_bytes / SLOWEST_BYTES_PER_S,
        )
        return answer.blob

    def _messages(self, offset: int) -> Iterator[wire.WriteBlobRequest]:
        for message in self._file.messages(offset):
            yield message
            self._on_bytes(message.offset + len(message.data))

    def _arrived(self) -> wire.QueryWriteResponse:
        """Return what the service has; more than ever before is progress."""
        request = wire.QueryWriteRequest(upload_id=self._file.upload_id)
        try:
            answer: wire.QueryWriteResponse = self._connection.call(self._stub.QueryWrite, request)
        except RpcFailed as failure:
            if failure.code not in NOTHING_YET:
                raise
            answer = wire.QueryWriteResponse()
        self._backoff.answered()
        if answer.committed_bytes > self._furthest:
            self._furthest = answer.committed_bytes
            self._backoff.progressed()
        return answer

    def _in_use(self) -> None:
        """Wait for our own call, that broke and is not missed yet; send beside another process."""
        self._num_in_use += 1
        if self._has_broken and self._num_in_use < MOST_IN_USE:
            return
        self._file = replace(self._file, upload_id=str(uuid4()))
        self._has_broken, self._num_in_use = False, 0

    def _may_begin_again(self, failure: RpcFailed) -> bool:
        """Bytes that were there before may be wrong; once that is worth another upload."""
        is_theirs = failure.reason == "DIGEST_MISMATCH" and self._furthest > 0
        return is_theirs and not self._has_begun_again

    def _after(self, failure: RpcFailed) -> None:
        """Wait for the next attempt, or raise."""
        if failure.reason == "UPLOAD_IN_USE":
            self._in_use()
        elif self._may_begin_again(failure):
            self._has_begun_again = True
        elif failure.may_pass or failure.code is grpc.StatusCode.DEADLINE_EXCEEDED:
            self._has_broken = True  # a deadline may be a proxy's: what arrived stays
        else:
            raise failure
        with suppress(RpcFailed):  # the next attempt will say so
            self._arrived()
        self._backoff.wait(failure, at_least_s=failure.retry_after_s or 0)
