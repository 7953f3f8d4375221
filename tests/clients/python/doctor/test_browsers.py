"""What browsers would speak, at an address where anything may answer."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from vertebra.doctor.browsers import spoken
from vertebra.doctor.way import Way


@pytest.mark.parametrize("said", [b"null", b"5", b'"serverTime"', b"[]", b"", b"\xff"])
def test_whatever_answers_is_no_service_and_ends_no_examination(said: bytes) -> None:
    class Odd(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Not to the terminal."""

    with HTTPServer(("127.0.0.1", 0), Odd) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            assert spoken(Way(address=f"127.0.0.1:{server.server_port}")) == []
        finally:
            server.shutdown()
