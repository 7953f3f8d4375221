"""A gRPC client that costs next to nothing while it reads: it takes everything, notes when each
piece came, and looks into it only when asked.

So that what is measured is the server, and not a thousand readers beside it.
"""

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.fakes import http2_frames as http2

WINDOW_BYTES = 2**31 - 1
_GRPC_HEAD = struct.Struct(">BI")


@dataclass(slots=True)
class Call:
    """What came for one call."""

    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    """With the time at which each came."""
    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    def messages(self) -> Iterator[tuple[float, bytes]]:
        """Yield each message with the time at which its last byte came."""
        left = b""
        for came, piece in self.pieces:
            left += piece
            while len(left) >= _GRPC_HEAD.size:
                is_compressed, size = _GRPC_HEAD.unpack_from(left)
                assert not is_compressed
                if len(left) < _GRPC_HEAD.size + size:
                    break
                yield came, left[_GRPC_HEAD.size : _GRPC_HEAD.size + size]
                left = left[_GRPC_HEAD.size + size :]
        assert not left, "a message that is not whole"


class CollectingReader(asyncio.Protocol):
    """One connection with as many calls as one likes."""

    def __init__(self) -> None:
        self._calls: dict[int, Call] = {}
        self._left = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, with room for all that may come."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        more = struct.pack(">I", WINDOW_BYTES - 0xFFFF)
        update = http2.frame(http2.WINDOW_UPDATE, 0, 0, more)
        transport.write(http2.preface(WINDOW_BYTES) + update)

    def call(self, method: str, message: bytes) -> Call:
        """Start a call with one request message."""
        stream = 2 * len(self._calls) + 1
        self._calls[stream] = call = Call()
        self._transport.write(http2.call(stream, method, message))
        return call

    def data_received(self, data: bytes) -> None:
        """Hand every whole frame to its call."""
        came = time.time()
        data, position = self._left + data, 0
        while len(data) >= position + http2.HEAD_BYTES:
            begin = position + http2.HEAD_BYTES
            end = begin + int.from_bytes(data[position : position + 3], "big")
            if len(data) < end:
                break
            kind, flags = data[position + 3], data[position + 4]
            stream = int.from_bytes(data[position + 5 : begin], "big")
            if kind == http2.DATA:
                self._calls[stream].pieces.append((came, data[begin:end]))
            else:
                self._answer(kind, flags, stream, data[begin:end])
            position = end
        self._left = data[position:]

    def _answer(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == http2.SETTINGS and not flags & http2.ACK:
            self._transport.write(http2.frame(http2.SETTINGS, http2.ACK, 0, b""))
        elif kind == http2.PING and not flags & http2.ACK:
            self._transport.write(http2.frame(http2.PING, http2.ACK, 0, payload))
        elif kind == http2.HEADERS and flags & http2.END_STREAM:  # the trailers
            self._calls[stream].is_over.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nobody wait for what will not come."""
        for call in self._calls.values():
            call.is_over.set()

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


@asynccontextmanager
async def collecting_reader(address: str) -> AsyncIterator[CollectingReader]:
    """Connect to `host:port` for the length of a block."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(CollectingReader, host, int(port))
    try:
        yield client
    finally:
        client.close()
