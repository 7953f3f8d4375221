"""Texts that gRPC would take for an address, and call somebody else, are refused in a sentence."""

import pytest

from tests.clients.python.conftest import Shell
from vertebra.address import AddressUnusable, require_address


@pytest.mark.parametrize(
    "address",
    [
        "localhost:50551",
        "10.0.0.7:1",
        "[::1]:50551",
        "catalog.vertebra.svc.cluster.local:65535",
        "my_host-2:80",
        "dns:///catalog:50551",
        "unix:/run/catalog.sock",
        "xds:///catalog",
        "ipv6:[::1]:5",
    ],
)
def test_what_grpc_reads_as_it_is_meant_is_taken(address: str) -> None:
    require_address(address)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("", "write host:port"),
        (" localhost:1", "write host:port"),
        ("localhost:", "write host:port"),
        ("localhost:50551/", "write host:port"),
        ("localhost:65536", "write host:port"),
        ("localhost:grpc", "write host:port"),
        ("::1:50551", r"\[::1\]:50551"),
        ("localhost", "'localhost' has no port: write host:port, such as localhost:50551"),
        ("http://localhost:50551/", "is a URL: write localhost:50551"),
        ("https://models.example:443", "write models.example:443; --tls"),
    ],
)
def test_what_it_would_misread_is_refused_with_what_would_be_right(address: str, told: str) -> None:
    with pytest.raises(AddressUnusable, match=told):
        require_address(address)


def test_with_tls_a_port_may_be_left_out() -> None:
    require_address("models.example", is_encrypted=True)


@pytest.mark.parametrize("command", [("models", "ls"), ("jobs", "ls"), ("doctor",)])
def test_commands_call_nobody_there(shell: Shell, command: tuple[str, ...]) -> None:
    flag = {"models": "--catalog", "jobs": "--trainer", "doctor": "--through"}[command[0]]

    code, _, err = shell(*command, flag, "http://localhost:1")

    assert (code, err) == (2, "error: 'http://localhost:1' is a URL: write localhost:1\n")
