"""A gRPC client that is polite (answers settings and pings) but grants no window: it reads nothing.

Real clients do not let a test do that, so these are the few HTTP/2 frames it takes.
Source: RFC 9113, sections 4 and 6; RFC 7541, section 6.2.2 (literal header fields).
"""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_DATA, _HEADERS, _SETTINGS, _PING, _GOAWAY = 0, 1, 4, 6, 7
_ACK, _END_STREAM, _END_HEADERS = 1, 1, 4
_INITIAL_WINDOW_SIZE = 4


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _headers(method: str) -> bytes:
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": method,
        ":authority": "test",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    encoded = (
        bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in fields.items()
    )
    return b"".join(encoded)


class StalledReader:
    """One connection, and what came from the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.answers_pings = True
        self.pinged = asyncio.Event()
        self.goaway = ""
        self.closed = asyncio.Event()
        self._next_stream = 1
        self.got_headers = asyncio.Event()
        self.num_data_bytes = 0

    def start(self) -> None:
        settings = struct.pack(">HI", _INITIAL_WINDOW_SIZE, 0)
        self._writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0, settings))

    def call(self, method: str, *messages: bytes, is_over: bool = True) -> None:
        """Start a call with request messages; `is_over` ends its request side."""
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        body = b"".join(struct.pack(">BI", 0, len(m)) + m for m in messages)
        self._writer.write(_frame(_HEADERS, _END_HEADERS, stream, _headers(method)))
        self._writer.write(_frame(_DATA, _END_STREAM if is_over else 0, stream, body))

    def ping(self) -> None:
        """Send a keepalive ping."""
        self._writer.write(_frame(_PING, 0, 0, b"8 bytes."))

    async def answer_politely(self) -> None:
        """Answer settings and pings until the server closes."""
        while True:
            try:
                head = await self._reader.readexactly(9)
                size = int.from_bytes(head[:3], "big")
                payload = await self._reader.readexactly(size)
            except (asyncio.IncompleteReadError, ConnectionError):
                self.closed.set()
                return
            kind, flags = head[3], head[4]
            if kind == _SETTINGS and not flags & _ACK:
                self._writer.write(_frame(_SETTINGS, _ACK, 0, b""))
            elif kind == _PING and not flags & _ACK:
                self.pinged.set()
                if self.answers_pings:
                    self._writer.write(_frame(_PING, _ACK, 0, payload))
            elif kind == _GOAWAY:
                self.goaway += payload[8:].decode()
            elif kind == _HEADERS:
                self.got_headers.set()
            elif kind == _DATA:
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
