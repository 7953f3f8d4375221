"""The few HTTP/2 frames that a gRPC call takes, for clients that do what real ones do not.

Source: RFC 9113, sections 4 and 6; RFC 7541, section 6.2.2 (literal header fields).
"""

import struct

DATA, HEADERS, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 4, 6, 7, 8
ACK, END_STREAM, END_HEADERS = 1, 1, 4
HEAD_BYTES = 9
_INITIAL_WINDOW_SIZE = 4


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return one frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def preface(window_bytes: int) -> bytes:
    """Return how a connection begins whose every stream may be sent so much unasked."""
    settings = struct.pack(">HI", _INITIAL_WINDOW_SIZE, window_bytes)
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, settings)


def call(stream: int, method: str, *messages: bytes, is_over: bool = True) -> bytes:
    """Return a call with request messages; `is_over` ends its request side."""
    body = b"".join(struct.pack(">BI", 0, len(message)) + message for message in messages)
    data = frame(DATA, END_STREAM if is_over else 0, stream, body)
    return frame(HEADERS, END_HEADERS, stream, _headers(method)) + data


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
