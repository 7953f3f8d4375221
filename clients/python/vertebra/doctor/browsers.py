"""What browsers and curl would speak at the same address: gRPC-Web, Connect, JSON."""

import http.client
import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from vertebra.credentials import Credentials
from vertebra.diagnostics.v1 import path_service_pb2 as pb
from vertebra.doctor.finding import Certainty, Finding, Level
from vertebra.doctor.way import Way

PATH = "/vertebra.diagnostics.v1.PathService/Echo"
TIMEOUT_S = 10.0
EMPTY_FRAME = bytes(5)
"""An empty message as gRPC frames it."""
TRAILER_FLAG = 0x80
"""Of the frame with which gRPC-Web ends. Source: grpc/doc/PROTOCOL-WEB.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A way to say Echo over plain HTTP."""

    name: str
    headers: dict[str, str]
    body: bytes
    is_answer: Callable[[bytes], bool]


def _is_web(body: bytes) -> bool:
    return bytes((TRAILER_FLAG,)) in body and b"grpc-status:0" in body.replace(b" ", b"")


def _is_message(body: bytes) -> bool:
    try:
        return pb.EchoResponse.FromString(body).HasField("server_time")
    except DecodeError:
        return False


def _is_json(body: bytes) -> bool:
    try:
        said = json.loads(body)
    except ValueError:
        return False
    return isinstance(said, dict) and "serverTime" in said


DIALECTS = (
    Dialect(
        name="gRPC-Web",
        headers={"content-type": "application/grpc-web+proto", "x-grpc-web": "1"},
        body=EMPTY_FRAME,
        is_answer=_is_web,
    ),
    Dialect(
        name="Connect",
        headers={"content-type": "application/proto", "connect-protocol-version": "1"},
        body=b"",
        is_answer=_is_message,
    ),
    Dialect(
        name="JSON",
        headers={"content-type": "application/json"},
        body=b"{}",
        is_answer=_is_json,
    ),
)


def spoken(way: Way) -> list[str]:
    """Return the names of what is spoken there."""
    return [dialect.name for dialect in DIALECTS if _speaks(way, dialect)]


def judged(names: list[str]) -> Finding:
    """Return what browsers can do there."""
    missing = [dialect.name for dialect in DIALECTS if dialect.name not in names]
    if not names:
        seen = "native gRPC only; browsers need a gateway: `vertebra up --console`"
        return Finding(check="browsers", level=Level.OK, seen=seen, certainty=Certainty.SURE)
    seen = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} spoken"
    more = f"; {', '.join(missing)} not" if missing else ""
    return Finding(
        check="browsers",
        level=Level.NOTE if missing else Level.OK,
        seen=seen + more,
        certainty=Certainty.SURE,
    )


def _speaks(way: Way, dialect: Dialect) -> bool:
    connection = http.client.HTTPConnection(way.address, timeout=TIMEOUT_S)
    try:
        if way.credentials is not None and way.credentials.is_encrypted:
            connection.sock = _encrypted(connection, way.credentials)
        connection.request(
            "POST", PATH, dialect.body, {**dialect.headers, **dict(way.metadata), **_token(way)}
        )
        answer = connection.getresponse()
        return answer.status == http.client.OK and dialect.is_answer(answer.read())
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _token(way: Way) -> dict[str, str]:
    shown = way.credentials
    if shown is None or not shown.has_token:
        return {}
    token = shown.token_file.read_text().strip() if shown.token_file else shown.token
    return {"authorization": f"Bearer {token}"}


def _encrypted(connection: http.client.HTTPConnection, credentials: Credentials) -> ssl.SSLSocket:
    """Return a socket to whoever has the name that is wanted. Raises OSError."""
    context = ssl.create_default_context(cafile=credentials.ca)
    if credentials.cert is not None:
        context.load_cert_chain(credentials.cert, credentials.key)
    plain = socket.create_connection((connection.host, connection.port), TIMEOUT_S)
    name = credentials.server_name or connection.host
    return context.wrap_socket(plain, server_hostname=name)
