"""A gRPC client that is polite (answers settings and pings) but grants no window: it reads nothing.

Real clients do not let a test do that.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.fakes import http2_frames as http2

ROOM_BYTES = 1000


class StalledReader:
    """One connection, and what came from the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.answers_pings = True
        self.num_pings = 0
        """How often the server wanted to know whether this is still here."""
        self._pong = asyncio.Event()
        self.goaway = ""
        self.closed = asyncio.Event()
        self._next_stream = 1
        self.got_headers = asyncio.Event()
        self.num_data_bytes = 0

    def start(self) -> None:
        self._writer.write(http2.preface(window_bytes=0))

    def call(self, method: str, *messages: bytes, is_over: bool = True) -> None:
        """Start a call with request messages; `is_over` ends its request side."""
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        self._writer.write(http2.call(stream, method, *messages, is_over=is_over))

    def make_room(self, stream: int) -> None:
        """Take something of a call after all; calls have the numbers 1, 3, 5."""
        room = ROOM_BYTES.to_bytes(4, "big")
        self._writer.write(http2.frame(http2.WINDOW_UPDATE, 0, stream, room))

    async def ping(self) -> None:
        """Send a keepalive ping; return when the server has answered it or sends us away."""
        self._pong.clear()
        self._writer.write(http2.frame(http2.PING, 0, 0, b"8 bytes."))
        await self._pong.wait()

    async def answer_politely(self) -> None:
        """Answer settings and pings until the server closes."""
        while True:
            try:
                head = await self._reader.readexactly(http2.HEAD_BYTES)
                size = int.from_bytes(head[:3], "big")
                payload = await self._reader.readexactly(size)
            except (asyncio.IncompleteReadError, ConnectionError):
                self.closed.set()
                self._pong.set()
                return
            kind, flags = head[3], head[4]
            if kind == http2.SETTINGS and not flags & http2.ACK:
                self._writer.write(http2.frame(http2.SETTINGS, http2.ACK, 0, b""))
            elif kind == http2.PING and flags & http2.ACK:
                self._pong.set()
            elif kind == http2.PING:
                self.num_pings += 1
                if self.answers_pings:
                    self._writer.write(http2.frame(http2.PING, http2.ACK, 0, payload))
            elif kind == http2.GOAWAY:
                self.goaway += payload[8:].decode()
                self._pong.set()
            elif kind == http2.HEADERS:
                self.got_headers.set()
            elif kind == http2.DATA:
                self.num_data_bytes += size


@asynccontextmanager
async def stalled_reader(address: str) -> AsyncIterator[StalledReader]:
    """Connect to `host:port` and stay connected, reading nothing."""
    host, _, port = address.rpartition(":")
    client = StalledReader(*await asyncio.open_connection(host, int(port)))
    client.start()
    polite = asyncio.ensure_future(client.answer_politely())
    try:
        yield client
    finally:
        polite.cancel()
        client._writer.close()
