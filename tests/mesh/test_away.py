"""A service behind the gateway that is away: said so in every dialect, and found again."""

import http.client
import time
from pathlib import Path

import grpc
import pytest

from tests.fakes.dialects import post
from tests.fakes.path_service import running_path_service
from tests.fakes.ports import free_port
from vertebra.client_errors import RpcFailed
from vertebra.doctor import arrival, reach
from vertebra.doctor.finding import Fault
from vertebra.doctor.way import Way
from vertebra.gateway import Gateway, running_gateway

ECHO = "/vertebra.diagnostics.v1.PathService/Echo"
BACK_WITHIN_S = 120


def test_a_service_that_is_away_is_said_so_and_found_again(tmp_path: Path) -> None:
    port = free_port()
    away = Gateway(catalog=f"127.0.0.1:{port}", trainer="127.0.0.1:1", listen="127.0.0.1:0")
    with running_gateway(away, tmp_path) as gateway:
        status, _, body = post(gateway.address, ECHO, "{}")
        with pytest.raises(RpcFailed) as failed:
            arrival.call_through(Way(address=gateway.address))
        with running_path_service(port=port):
            deadline = time.monotonic() + BACK_WITHIN_S
            while post(gateway.address, ECHO, "{}")[0] != http.client.OK:
                assert time.monotonic() < deadline, "the service is not found again"

    assert status == http.client.SERVICE_UNAVAILABLE
    assert "does not answer; try again" in body
    assert "does not answer; try again" in str(failed.value)
    assert failed.value.code is grpc.StatusCode.UNAVAILABLE
    assert reach.judged(Way(address=gateway.address), failed.value).fault is Fault.SERVICE_AWAY
