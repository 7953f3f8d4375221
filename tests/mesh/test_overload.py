"""A gateway whose memory runs out refuses calls, and goes on."""

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
MEMORY_BYTES = 256 << 20
NUM_CALLERS = 45
BODY_BYTES = 6 << 20
PATIENCE_S = 120


@contextmanager
def calls_that_never_end(address: str) -> Iterator[None]:
    """Send almost all of many large calls, 270 MiB together, and hold them."""
    host, _, port = address.partition(":")
    head = (
        f"POST {ECHO} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {BODY_BYTES}\r\n\r\n"
    )
    sent = head.encode() + b'{"padding":"' + b"A" * (BODY_BYTES - 100)
    with ExitStack() as held:
        for _ in range(NUM_CALLERS):
            caller = held.enter_context(socket.create_connection((host, int(port)), timeout=1))
            with suppress(OSError):  # refused in the middle of it, or not taken at all
                caller.sendall(sent)
        yield


def status_of(gateway: RunningGateway) -> int:
    """Return how a small call is answered."""
    return ask_http(gateway.address, "POST", ECHO, "{}", {"content-type": "application/json"})[0]


def most_memory(gateway: RunningGateway) -> int:
    """Return the most that it ever had, in bytes. Source: proc(5), VmHWM."""
    status = Path(f"/proc/{gateway.pid}/status").read_text()
    (line,) = [one for one in status.splitlines() if one.startswith("VmHWM:")]
    return int(line.split()[1]) << 10


@pytest.fixture
def service() -> Iterator[str]:
    with running_path_service() as address:
        yield address


def test_calls_that_never_end_take_no_more_memory_than_there_is(
    service: str, tmp_path: Path
) -> None:
    small = Gateway(
        catalog=service, trainer=service, listen="127.0.0.1:0", memory_bytes=MEMORY_BYTES
    )
    with running_gateway(small, tmp_path) as gateway:
        with calls_that_never_end(gateway.address):
            pass
        deadline = time.monotonic() + PATIENCE_S
        while (status := status_of(gateway)) != 200 and time.monotonic() < deadline:
            time.sleep(0.05)

        assert status == 200
        assert most_memory(gateway) < MEMORY_BYTES


@pytest.mark.full
def test_without_a_limit_they_take_all_that_they_send(service: str, tmp_path: Path) -> None:
    """The naive way, seen to fail."""
    unlimited = Gateway(catalog=service, trainer=service, listen="127.0.0.1:0")
    with running_gateway(unlimited, tmp_path) as gateway, calls_that_never_end(gateway.address):
        assert most_memory(gateway) > MEMORY_BYTES
