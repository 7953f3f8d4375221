"""A gateway that cannot start says why, in one sentence."""

import socket
from pathlib import Path

import pytest

from tests.fakes.dialects import ask_http
from tests.fakes.ports import free_port, has_ipv6
from vertebra.gateway import Gateway, GatewayFailed, ListenTls, running_gateway


def gateway_on(port: int, host: str = "127.0.0.1", **fields: object) -> Gateway:
    return Gateway(catalog="c.invalid:1", trainer="t.invalid:1", listen=f"{host}:{port}", **fields)


def test_a_port_that_is_taken_is_said_so_and_not_shared(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(GatewayFailed, match=f"cannot listen on 127.0.0.1:{port}"):
            running_gateway(gateway_on(port), tmp_path).__enter__()


def test_an_envoy_that_refuses_its_configuration_is_quoted(tmp_path: Path) -> None:
    twice = ("a.example", "a.example")

    with pytest.raises(GatewayFailed, match=r"(?s)exit code 1.*a\.example"):
        running_gateway(gateway_on(free_port(), hosts=twice), tmp_path / "run").__enter__()


def test_a_certificate_that_is_missing_is_not_waited_for(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pem"
    tls = ListenTls(cert=nothing, key=nothing)

    with pytest.raises(FileNotFoundError, match=r"nothing\.pem"):
        running_gateway(gateway_on(0, listen_tls=tls), tmp_path / "run").__enter__()


def test_a_gateway_whose_services_are_away_runs_and_ends_with_its_block(tmp_path: Path) -> None:
    with running_gateway(gateway_on(0), tmp_path) as gateway:
        assert not gateway.has_ended

    assert gateway.has_ended


@pytest.mark.skipif(not has_ipv6(), reason="this host has no IPv6")
def test_on_every_address_means_both_kinds(tmp_path: Path) -> None:
    with running_gateway(gateway_on(0, "[::]"), tmp_path) as gateway:
        port = gateway.address.rpartition(":")[2]
        answers = [
            ask_http(f"{host}:{port}", "GET", "/healthz")[0] for host in ("127.0.0.1", "[::1]")
        ]

    assert answers == [200, 200]
