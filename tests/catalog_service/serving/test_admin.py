"""The admin port speaks enough HTTP for Prometheus and probes."""

import asyncio
from dataclasses import dataclass

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from catalog_service.serving.admin import Probes, start_admin
from catalog_service.serving.listen import Listen, PortUnavailable
from tests.fakes.in_loop import in_loop
from tests.fakes.ports import has_ipv6

LOOPBACK = Listen(host="127.0.0.1", port=0)


@dataclass
class State:
    is_alive: bool = True
    is_ready: bool = True


def probes(state: State, registry: CollectorRegistry | None = None) -> Probes:
    return Probes(
        registry=registry or CollectorRegistry(),
        is_alive=lambda: state.is_alive,
        is_ready=lambda: state.is_ready,
    )


async def ask(address: str, request: bytes) -> tuple[int, str]:
    """Return the status and the body; the server must close by itself."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    answer = (await asyncio.wait_for(reader.read(), 60)).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split(" ")[1]), body


def get(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


@in_loop
async def test_metrics_are_prometheus_text():
    registry = CollectorRegistry()
    Counter("things", "Things.", registry=registry).inc(3)
    admin = await start_admin(LOOPBACK, probes(State(), registry))

    status, body = await ask(admin.address, get("/metrics"))

    await admin.stop()
    samples = [s for family in text_string_to_metric_families(body) for s in family.samples]
    assert status == 200
    assert ("things_total", 3.0) in [(s.name, s.value) for s in samples]


@pytest.mark.parametrize(
    ("state", "live", "ready"),
    [
        (State(), 200, 200),
        (State(is_ready=False), 200, 503),
        (State(is_alive=False), 503, 200),
    ],
)
@in_loop
async def test_probes_answer_by_themselves(state, live, ready):
    admin = await start_admin(LOOPBACK, probes(state))

    statuses = [(await ask(admin.address, get(path)))[0] for path in ("/live?x=1", "/ready")]

    await admin.stop()
    assert statuses == [live, ready]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (get("/"), 404),
        (get("/../etc/passwd"), 404),
        (get("/live", "POST"), 405),
        (get("/live", "HEAD"), 200),
        (b"\xff\xfe\r\n\r\n", 405),
        (b"GET /live HTTP/1.1\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", 431),
    ],
)
@in_loop
async def test_any_other_request_has_a_status(request_bytes, status):
    admin = await start_admin(LOOPBACK, probes(State()))

    answered, body = await ask(admin.address, request_bytes)

    await admin.stop()
    assert answered == status
    assert bool(body) is (b"HEAD" not in request_bytes)


@in_loop
async def test_an_occupied_port_is_an_error_that_says_so():
    admin = await start_admin(LOOPBACK, probes(State()))

    with pytest.raises(PortUnavailable, match="already in use"):
        await start_admin(Listen.parse(admin.address), probes(State()))

    await admin.stop()


@pytest.mark.skipif(not has_ipv6(), reason="this host has no IPv6")
@in_loop
async def test_on_every_address_means_both_kinds():
    """Kubelets ask by the address that a pod has; asyncio alone would answer on IPv6."""
    admin = await start_admin(Listen.parse("[::]:0"), probes(State()))
    port = admin.address.rpartition(":")[2]

    answers = [await ask(f"{host}:{port}", get("/ready")) for host in ("127.0.0.1", "::1")]

    await admin.stop()
    assert answers == [(200, "ready\n")] * 2
