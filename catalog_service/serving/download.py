"""Sends a file's chunks one by one, the next being read while one is sent; ends them in order."""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import closing, suppress

from catalog_service.blobs.chunk_stream import Chunk
from catalog_service.serving.blob_wire import Piece, encoded_chunk
from catalog_service.serving.disk_threads import DiskThreads
from catalog_service.serving.drain import Drain
from catalog_service.serving.ending import ending
from catalog_service.serving.stream_ends import say_end
from vertebra.model.v1.stream_pb2 import StreamEnd

HEARTBEAT_S = 15.0
"""Longest silence on a stream."""

Chunks = Generator[Chunk, None, None] | Generator[Chunk | None, None, None]
"""A file's chunks; None now and then while nothing can be sent yet."""

Prepared = tuple[bytes, int]
"""A serialised message, and the position after its bytes."""


class Download:
    """One stream of bytes. At any time two chunks of it are in memory, and what gRPC holds.

    Args:
        introduction: the first message without its bytes; the others are of its kind.
        position: the first byte wanted.
        heartbeat_s: longest silence; tests make it short.
    """

    def __init__(
        self,
        introduction: Piece,
        position: int,
        *,
        threads: DiskThreads,
        drain: Drain,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._introduction: Piece | None = introduction
        self._kind = type(introduction)
        self._position = position
        self._threads = threads
        self._drain = drain
        self._heartbeat_s = heartbeat_s
        self.is_completed = False
        self._reason: StreamEnd.Reason = StreamEnd.REASON_DRAINING

    async def messages(self, chunks: Chunks) -> AsyncGenerator[bytes, None]:
        """Yield serialised messages: until all chunks are sent, or the server closes."""
        prepared = self._prepared(chunks)
        ahead = self._next(prepared)
        try:
            async with ending(self._drain.closing) as ends:
                while (message := await ahead) is not None:
                    ahead = self._next(prepared)
                    encoded, self._position = message
                    yield encoded
                    if ends.is_near:
                        self._reason = ends.reason
                        return
            self.is_completed = True
        finally:
            ahead.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await ahead
            prepared.close()

    def end(self) -> Piece:
        """Return the last message, with the reason of the end and where to resume."""
        reason = StreamEnd.REASON_COMPLETED if self.is_completed else self._reason
        last = self._introduce()
        last.offset = self._position
        say_end(reason)
        last.end.CopyFrom(StreamEnd(reason=reason, resume_after=self._position))
        return last

    def _next(self, prepared: Generator[Prepared, None, None]) -> "asyncio.Task[Prepared | None]":
        return asyncio.ensure_future(self._threads.run(next, prepared, None))

    def _prepared(self, chunks: Chunks) -> Generator[Prepared, None, None]:
        """Yield messages with bytes; without any where no chunk came for long."""
        position, since = self._position, time.monotonic()
        with closing(chunks):
            for chunk in chunks:
                if chunk is not None:
                    position, since = chunk.offset + len(chunk.data), time.monotonic()
                    yield encoded_chunk(chunk, self._introduce()), position
                elif time.monotonic() - since > self._heartbeat_s / 2:
                    since = time.monotonic()
                    yield self._kind(offset=position).SerializeToString(), position

    def _introduce(self) -> Piece:
        introduction, self._introduction = self._introduction, None
        return introduction or self._kind()
