"""The admin port: `/metrics` for Prometheus, `/live` and `/ready` for probes. Plain HTTP/1.1 GET.

Bind it where only operators reach it: it has no authentication.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from catalog_service.serving.listen import Listen, PortUnavailable

MAX_HEAD_BYTES = 16 << 10
"""Longest request head; there is no body."""

HEAD_TIMEOUT_S = 5.0
_TEXT = "text/plain; charset=utf-8"


async def nothing() -> None:
    """What is done before a scrape where nothing has to be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What the admin port tells."""

    registry: CollectorRegistry
    is_alive: Callable[[], bool]
    is_ready: Callable[[], bool]
    refresh: Callable[[], Awaitable[None]] = nothing
    """Done before `/metrics` answers; must end within moments."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: HTTPStatus
    body: bytes
    content_type: str = _TEXT

    def encoded(self, *, with_body: bool) -> bytes:
        head = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n"
            f"Content-Type: {self.content_type}\r\n"
            f"Content-Length: {len(self.body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        return head.encode() + (self.body if with_body else b"")


class AdminServer:
    """The server behind the admin port."""

    def __init__(self, server: asyncio.Server, address: str) -> None:
        self.address = address
        self._server = server

    async def stop(self) -> None:
        """Stop listening; open connections end by their own timeout."""
        self._server.close()


async def start_admin(listen: Listen, probes: Probes) -> AdminServer:
    """Return a running admin server.

    Raises:
        PortUnavailable: somebody else listens there.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_TIMEOUT_S):
                await _serve(reader, writer, probes)
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(serve, limit=MAX_HEAD_BYTES, **_place(listen))
    except OSError as error:
        raise PortUnavailable(
            f"cannot listen on {listen} for metrics and probes: {error.strerror}; "
            "stop what listens there, or choose another port (0 lets the system choose)"
        ) from error
    return AdminServer(server, f"{listen.host}:{server.sockets[0].getsockname()[1]}")


def _place(listen: Listen) -> dict[str, Any]:
    """Return what asyncio listens on: by itself it takes `::` for IPv6 alone, and gRPC for both."""
    host = listen.host.strip("[]")
    if host != "::":
        return {"host": host, "port": listen.port, "reuse_port": False}
    family = socket.AF_INET6
    dual = socket.has_dualstack_ipv6()
    return {"sock": socket.create_server((host, listen.port), family=family, dualstack_ipv6=dual)}


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, probes: Probes
) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        answer, method = _Answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, b"too long\n"), "GET"
    else:
        method, _, rest = head.decode("latin-1").partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if path == "/metrics":
            await probes.refresh()
        answer = _answer(method, path, probes)
    writer.write(answer.encoded(with_body=method != "HEAD"))
    await writer.drain()


def _answer(method: str, path: str, probes: Probes) -> _Answer:
    if method not in ("GET", "HEAD"):
        return _Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"GET or HEAD\n")
    match path:
        case "/metrics":
            return _Answer(HTTPStatus.OK, generate_latest(probes.registry), CONTENT_TYPE_LATEST)
        case "/live":
            return _probe(probes.is_alive(), "alive", "the event loop was blocked")
        case "/ready":
            return _probe(probes.is_ready(), "ready", "not ready")
        case _:
            return _Answer(HTTPStatus.NOT_FOUND, b"/metrics, /live or /ready\n")


def _probe(is_so: bool, yes: str, no: str) -> _Answer:
    if is_so:
        return _Answer(HTTPStatus.OK, f"{yes}\n".encode())
    return _Answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{no}\n".encode())
