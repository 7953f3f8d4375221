"""An HTTP server on loopback that misbehaves by script, and remembers every request.

    with faulty_origin() as origin:
        url = origin.add("/weights/a.pth", data)
        origin.fault("/weights/a.pth", faults.stall(1000), faults.status(503))  # the first two GETs
        origin.always("/weights/a.pth", faults.no_range())                     # after the script

Faults are in `tests.fakes.faults`, a hub in `tests.fakes.fake_hub`. `origin.gets(path)` are the
GETs of a path; `origin.bodies(path)` counts those answered with bytes of it,
`origin.bytes_sent(path)` their bytes. Paths are what URLs say, unquoted.
"""

import hashlib
import socket
import ssl
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import trustme

from tests.fakes.faults import Answer, Asked, Fault, Held, served

Route = Callable[[Asked], Answer | None]


@dataclass(slots=True, kw_only=True)
class Request:
    """One request as it came, and what went out for it (`sent_bytes` grows while it does)."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    status: int = 0
    sent_bytes: int = 0
    at_s: float = field(default_factory=time.monotonic)

    @property
    def range(self) -> str:
        """Return the Range header, or nothing."""
        return self.headers.get("range", "")


class Server(ThreadingHTTPServer):
    """Takes a crowd at once, and is not upset by callers that hang up."""

    daemon_threads = True
    request_queue_size = 256
    context: ssl.SSLContext | None = None

    def get_request(self) -> tuple[socket.socket, Any]:
        """Return the next connection; its handshake is made by the thread that reads it."""
        connection, address = super().get_request()
        if self.context:
            connection = self.context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a failed handshake is what a test wanted."""


class Throttle:
    """All connections together send no more than this."""

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._lock = threading.Lock()
        self._free_at = 0.0

    def wait(self, num_bytes: int) -> None:
        """Return when these bytes may go."""
        if not self._bytes_per_s:
            return
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic() - 0.05)
            self._free_at += num_bytes / self._bytes_per_s
            pause = self._free_at - time.monotonic()
        if pause > 0:
            time.sleep(pause)


class FaultyOrigin:
    """See the module. Use `faulty_origin()`."""

    def __init__(self, *, tls: bool = False, bytes_per_s: float = 0, name: str = "127.0.0.1"):
        self.requests: list[Request] = []
        self.throttle = Throttle(bytes_per_s)
        self.closing = threading.Event()
        self._files: dict[str, Held] = {}
        self._scripts: dict[str, list[Fault]] = {}
        self._always: dict[tuple[str, str], Fault] = {}
        self._routes: list[tuple[str, Route]] = []
        self._lock = threading.Lock()
        self._authority = trustme.CA() if tls else None
        self._folder = tempfile.TemporaryDirectory()
        self._server = Server(("127.0.0.1", 0), _handler(self))
        self.host = f"{name}:{self._server.server_address[1]}"
        self.url = f"{'https' if tls else 'http'}://{self.host}"
        self.ca_bundle = ""
        if self._authority:
            self._arm(self._authority, name)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def add(self, path: str, data: bytes, *, etag: str | None = None) -> str:
        """Serve a file (again); return its URL. The ETag is strong and of the bytes by default."""
        quoted = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
        self._files[path] = Held(data=data, etag=quoted if etag is None else etag)
        return self.url + path

    def remove(self, path: str) -> None:
        """Serve it no more: 404."""
        self._files.pop(path, None)

    def fault(self, path: str, *faults: Fault) -> None:
        """Answer the next GETs of a path with these, one after the other, then healthily."""
        with self._lock:
            self._scripts.setdefault(path, []).extend(faults)

    def always(self, path: str, fault: Fault) -> None:
        """Answer every request of a path with this, HEAD too, once its script is used up."""
        self._always["", path] = fault

    def only(self, method: str, path: str, fault: Fault) -> None:
        """Answer every request of one method with this."""
        self._always[method, path] = fault

    def heal(self, path: str) -> None:
        """Forget all faults of a path."""
        with self._lock:
            self._scripts.pop(path, None)
            self._always = {key: one for key, one in self._always.items() if key[1] != path}

    def route(self, prefix: str, route: Route) -> None:
        """Let `route` answer what is asked below `prefix`; None from it means: as a file."""
        self._routes.append((prefix, route))

    def gets(self, path: str) -> list[Request]:
        """Return the GETs of a path, in the order they came."""
        return [r for r in list(self.requests) if r.path == path and r.method == "GET"]

    def bodies(self, path: str) -> int:
        """Return how many GETs of a path were answered with bytes of a file."""
        return sum(1 for r in self.gets(path) if r.status in {200, 206} and r.sent_bytes)

    def bytes_sent(self, path: str) -> int:
        """Return how many body bytes of a path went out, all GETs together."""
        return sum(request.sent_bytes for request in self.gets(path))

    def wait_for_bytes(self, path: str, num_bytes: int, *, timeout_s: float = 30.0) -> None:
        """Return once so many body bytes of a path went out."""
        until = time.monotonic() + timeout_s
        while self.bytes_sent(path) < num_bytes:
            assert time.monotonic() < until, f"{self.bytes_sent(path)} of {num_bytes} bytes"
            time.sleep(0.005)

    def answer(self, asked: Asked) -> Answer:
        """Return what goes out for a request, faults included."""
        plain, held = self._plain(asked)
        with self._lock:
            script = self._scripts.get(asked.path, [])
            fault = script.pop(0) if script and asked.method == "GET" else None
        fault = fault or self._always.get((asked.method, asked.path))
        fault = fault or self._always.get(("", asked.path))
        return fault(plain, asked, held) if fault else plain

    def close(self) -> None:
        """Let go of every stalled connection and stop."""
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._folder.cleanup()

    def _plain(self, asked: Asked) -> tuple[Answer, Held]:
        for prefix, route in self._routes:
            if asked.path.startswith(prefix) and (answer := route(asked)) is not None:
                return answer, Held(data=answer.data, etag=answer.headers.get("Etag", ""))
        held = self._files.get(asked.path)
        if held is None:
            missing = Answer(status=404, data=b"no such file", headers={"Content-Type": "text/x"})
            return missing, Held(data=b"", etag="")
        return served(held, asked), held

    def _arm(self, authority: trustme.CA, name: str) -> None:
        bundle = Path(self._folder.name) / "ca.pem"
        authority.cert_pem.write_to_path(bundle)
        self.ca_bundle = str(bundle)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        self._server.context = context


@contextmanager
def faulty_origin(
    *, tls: bool = False, bytes_per_s: float = 0, name: str = "127.0.0.1"
) -> Iterator[FaultyOrigin]:
    """Run one; `name` is how URLs call it (`localhost` is another host than `127.0.0.1`)."""
    origin = FaultyOrigin(tls=tls, bytes_per_s=bytes_per_s, name=name)
    try:
        yield origin
    finally:
        origin.close()


def _handler(origin: FaultyOrigin) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

        def finish(self) -> None:
            with suppress(OSError):
                super().finish()

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(method=self.command, path=unquote(path), query=query, headers=headers)
            request = Request(method=asked.method, path=asked.path, query=query, headers=headers)
            origin.requests.append(request)
            answer = origin.answer(asked)
            request.status = answer.status
            self.close_connection = True
            Sending(origin, self, request).send(answer)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *args: Any) -> None:
            """Say nothing: `requests` has it all."""

    return Handler


class Sending:
    """One answer on its way out."""

    def __init__(self, origin: FaultyOrigin, handler: BaseHTTPRequestHandler, request: Request):
        self._origin = origin
        self._handler = handler
        self._request = request

    def send(self, answer: Answer) -> None:
        """Send it as scripted."""
        if answer.stall_headers:
            self._origin.closing.wait()
            return
        self._handler.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self._handler.send_header(name, value)
        while answer.drip_headers_s and not self._origin.closing.wait(answer.drip_headers_s):
            self._handler.send_header("X-Drip", "1")
            self._handler.flush_headers()
        self._end_headers(answer)
        if self._request.method == "GET":
            self._send_body(answer)

    def _end_headers(self, answer: Answer) -> None:
        length = len(answer.data) if answer.length is None else answer.length
        if length >= 0:
            self._handler.send_header("Content-Length", str(length))
        self._handler.send_header("Connection", "close")
        self._handler.end_headers()

    def _send_body(self, answer: Answer) -> None:
        ends = [answer.cut_after, answer.reset_after, answer.stall_after]
        end = min([len(answer.data), *(e for e in ends if e is not None)])
        body = memoryview(answer.data)[:end]
        for offset in range(0, end, answer.piece_bytes):
            self._send_piece(body[offset : offset + answer.piece_bytes])
            if answer.drip_s and self._origin.closing.wait(answer.drip_s):
                return
        if answer.stall_after is not None:
            self._origin.closing.wait()
        if answer.reset_after is not None:
            self._reset()

    def _send_piece(self, piece: memoryview) -> None:
        self._origin.throttle.wait(len(piece))
        self._request.sent_bytes += len(piece)  # before: whoever has read it finds it counted
        self._handler.wfile.write(piece)

    def _reset(self) -> None:
        connection: socket.socket = self._handler.connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.wfile.close()
        self._handler.rfile.close()
        connection.close()
