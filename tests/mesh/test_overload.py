"""A gateway whose memory runs out refuses calls, and goes on."""

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.fakes.dialects import ask_http
from tests.fakes.path_service import running_path_service
from vertebra.gateway import Gateway, RunningGateway, running_gateway

ECHO = "/vertebra.diagnostics.v1.PathService/Echo"
JSON = {"content-type": "application/json"}
MEMORY_BYTES = 384 << 20
MOST_CALLERS = 75
BODY_BYTES = 6 << 20
PATIENCE_S = 120


@contextmanager
def calls_that_never_end(address: str) -> Iterator[int]:
    """Send almost all of one large call after the other and hold them, until a small one is
    refused; yield its status.
    """
    host, _, port = address.partition(":")
    head = (
        f"POST {ECHO} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {BODY_BYTES}\r\n\r\n"
    )
    sent = head.encode() + b'{"padding":"' + b"A" * (BODY_BYTES - 100)
    small = http.client.HTTPConnection(address, timeout=PATIENCE_S)
    with ExitStack() as held:
        held.callback(small.close)
        for _ in range(MOST_CALLERS):
            caller = held.enter_context(socket.create_connection((host, int(port)), timeout=5))
            with suppress(OSError):  # refused in the middle of it
                caller.sendall(sent)
            small.request("POST", ECHO, "{}", JSON)
            answer = small.getresponse()
            answer.read()
            if answer.status != 200:
                break
        yield answer.status


def most_memory(gateway: RunningGateway) -> int:
    """Return the most that it ever had, in bytes. Source: proc(5), VmHWM."""
    status = Path(f"/proc/{gateway.pid}/status").read_text()
    (line,) = [one for one in status.splitlines() if one.startswith("VmHWM:")]
    return int(line.split()[1]) << 10


@contextmanager
def gateway_with(folder: Path, memory_bytes: int | None) -> Iterator[RunningGateway]:
    """Yield a gateway before a service."""
    with running_path_service() as service:
        made = Gateway(
            catalog=service, trainer=service, listen="127.0.0.1:0", memory_bytes=memory_bytes
        )
        with running_gateway(made, folder) as gateway:
            yield gateway


def test_calls_that_never_end_are_refused_before_the_memory_is_gone(tmp_path: Path) -> None:
    with gateway_with(tmp_path, MEMORY_BYTES) as gateway:
        with calls_that_never_end(gateway.address) as refused:
            assert refused == 503
        deadline = time.monotonic() + PATIENCE_S
        while ask_http(gateway.address, "POST", ECHO, "{}", JSON)[0] != 200:
            assert time.monotonic() < deadline

        assert most_memory(gateway) < MEMORY_BYTES


@pytest.mark.full
def test_without_a_limit_they_take_all_that_they_send(tmp_path: Path) -> None:
    """The naive way, seen to fail."""
    with gateway_with(tmp_path, None) as gateway, calls_that_never_end(gateway.address) as last:
        assert last == 200
        assert most_memory(gateway) > MEMORY_BYTES
