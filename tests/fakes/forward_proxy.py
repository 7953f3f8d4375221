"""A forward proxy on loopback: CONNECT for https, whole URLs for http; remembers what was asked.

with forward_proxy(credentials="me:pw") as proxy:
    policy = HttpPolicy(proxy=proxy.url_with_credentials)
"""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

PIECE_BYTES = 64 * 1024


class ForwardProxy:
    """See the module. `asked` has the request lines, `headers` those of each request."""

    def __init__(self, credentials: str = "") -> None:
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.credentials = credentials
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = f"http://{self.host}"
        self.url_with_credentials = f"http://{credentials}@{self.host}"

    def lets_in(self, headers: dict[str, str]) -> bool:
        """Return whether a request has the credentials wanted."""
        pair = base64.b64encode(self.credentials.encode()).decode()
        return not self.credentials or headers.get("proxy-authorization") == f"Basic {pair}"


@contextmanager
def forward_proxy(credentials: str = "") -> Iterator[ForwardProxy]:
    """Run one."""
    proxy = ForwardProxy(credentials)
    thread = threading.Thread(target=proxy.server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield proxy
    finally:
        proxy.server.shutdown()
        thread.join()
        proxy.server.server_close()


def _handler(proxy: ForwardProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def parse_request(self) -> bool:
            if not super().parse_request():
                return False
            self.close_connection = True
            proxy.asked.append(f"{self.command} {self.path}")
            proxy.headers.append({name.lower(): value for name, value in self.headers.items()})
            if proxy.lets_in(proxy.headers[-1]):
                return True
            self.send_error(407)
            return False

        def do_CONNECT(self) -> None:
            host, _, port = self.path.rpartition(":")
            with socket.create_connection((host, int(port))) as server:
                self.send_response_only(200)
                self.end_headers()
                back = threading.Thread(target=_pour, args=(server, self.connection))
                back.start()
                _pour(self.connection, server)
                back.join()

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            with socket.create_connection((parts.hostname, parts.port or 80)) as server:
                lines = [f"{self.command} {parts.path}?{parts.query} HTTP/1.1"]
                lines += [f"{name}: {value}" for name, value in self.headers.items()]
                server.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
                _pour(server, self.connection)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    return Handler


def _pour(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(PIECE_BYTES):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
