"""Ports for programs that cannot be told 0."""

import random
import socket
import time
from contextlib import suppress

BELOW_EPHEMERAL = range(10_240, 32_000)
"""The kernel gives none of these to a connection or to a listener on port 0 (Linux: 32,768 on), so
what is free now is taken by nobody before the program starts, other tests aside."""

OPEN_TIMEOUT_S = 120.0

_CHOICE = random.SystemRandom()


def has_ipv6() -> bool:
    """Return whether this host has a loopback address of IPv6."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    while True:
        port = _CHOICE.choice(BELOW_EPHEMERAL)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_until_open(port: int) -> None:
    """Return when somebody listens on a port of 127.0.0.1."""
    deadline = time.monotonic() + OPEN_TIMEOUT_S
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on port {port}")
