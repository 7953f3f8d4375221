"""A server that leaves while a call is on its way: it says that it looked at none (GOAWAY), closes
the connection, and nobody listens any more.
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.fakes import http2_frames as http2

PREFACE_BYTES = 24
LOOKED_AT_NONE = struct.pack(">II", 0, 0)


@contextmanager
def leaving_server() -> Iterator[str]:
    """Yield the address of a server that leaves at its first call."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener,))
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def _serve(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    listener.close()
    with connection, connection.makefile("rwb", buffering=0) as frames:
        frames.write(http2.frame(http2.SETTINGS, 0, 0, b""))
        _read(frames, PREFACE_BYTES)
        kind = None
        while kind != http2.HEADERS:
            head = _read(frames, http2.HEAD_BYTES)
            payload, kind = _read(frames, int.from_bytes(head[:3], "big")), head[3]
            if kind in (http2.SETTINGS, http2.PING) and not head[4] & http2.ACK:
                answer = payload if kind == http2.PING else b""
                frames.write(http2.frame(kind, http2.ACK, 0, answer))
        frames.write(http2.frame(http2.GOAWAY, 0, 0, LOOKED_AT_NONE))


def _read(frames: socket.SocketIO, num_bytes: int) -> bytes:
    read = b""
    while len(read) < num_bytes:
        piece = frames.read(num_bytes - len(read))
        assert piece, "the client left first"
        read += piece
    return read
