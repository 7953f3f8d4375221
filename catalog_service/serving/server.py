"""Starts a gRPC server with everything that each of ours has, and stops it in bounded time."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from catalog_service.serving.call import Layers
from catalog_service.serving.doors import Doors
from catalog_service.serving.drain import Drain, DrainTiming, InFlight, Step
from catalog_service.serving.health import Health
from catalog_service.serving.interceptors import LayeredCalls
from catalog_service.serving.layers import AccessLog, Admission, ErrorMapper, RequestIds
from catalog_service.serving.limits import Limits
from catalog_service.serving.listen import Listen, PortUnavailable
from catalog_service.serving.options import server_options
from catalog_service.serving.telemetry import Telemetry
from catalog_service.serving.tracing import CallTraces
from vertebra.tracing import Tracing

__all__ = [
    "Listen",
    "PortUnavailable",
    "Registration",
    "RunningServer",
    "ServerParts",
    "start_server",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A service: `add` is the generated `add_...Servicer_to_server`."""

    add: Callable[[Any, Any], None]
    servicer: object
    full_name: str
    """Such as `vertebra.blob.v1.BlobService`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerParts:
    """What a server shares with its surroundings; tests replace some of it."""

    drain: Drain = field(default_factory=Drain)
    telemetry: Telemetry = field(default_factory=Telemetry)
    timing: DrainTiming = field(default_factory=DrainTiming)
    tracing: Tracing | None = None
    """Where spans go; None makes none."""
    options: Mapping[str, int] = field(default_factory=dict)
    """Server options that replace ours."""
    doors: Doors = field(default_factory=Doors)
    """Plain text, everybody to everything, unless given."""


class RunningServer:
    """A server that answers."""

    def __init__(
        self,
        *,
        server: grpc.aio.Server,
        address: str,
        health: Health,
        in_flight: InFlight,
        parts: ServerParts,
    ) -> None:
        self.address = address
        """`127.0.0.1:50551`, with the port that was given by the system."""
        self.health = health
        self.in_flight = in_flight
        self.drain = parts.drain
        self._server = server
        self._parts = parts
        self._stopping: asyncio.Future[None] = asyncio.Future()
        self._stopping.set_result(None)

    async def drain_and_stop(self) -> None:
        """Stop in bounded time; calls in flight get theirs, see `DrainTiming`.

        Health watchers are not waited for: one that reads nothing would take all the time.
        """
        timing = self._parts.timing
        self._parts.drain.begin()
        self._parts.telemetry.draining.set(1)
        self.health.set_serving(is_serving=False)
        await self._parts.drain.run(
            [
                Step(name="keep answering", timeout_s=timing.delay_s + 1, action=self._delay),
                Step(name="calls", timeout_s=timing.calls_s, action=self._finish_calls),
                Step(name="byte streams", timeout_s=timing.stop_s, action=self._close_calls),
                Step(
                    name="last answers", timeout_s=timing.answers_s + 1, action=self._send_answers
                ),
                Step(name="stop", timeout_s=timing.stop_s, action=self._stop),
            ]
        )

    async def _delay(self) -> None:
        await asyncio.sleep(self._parts.timing.delay_s)

    async def _finish_calls(self) -> None:
        """Send clients elsewhere (GOAWAY, port closed) and wait for the calls that are here."""
        self._stopping = asyncio.ensure_future(self._server.stop(self._parts.timing.total_s))
        await self.in_flight.until_none()

    async def _close_calls(self) -> None:
        self._parts.drain.closing.set()
        await self.in_flight.until_none()

    async def _send_answers(self) -> None:
        """Wait until what the calls returned is sent: a cut would make a failure of a success."""
        await asyncio.wait({self._stopping}, timeout=self._parts.timing.answers_s)

    async def _stop(self) -> None:
        """Cut what is left; shortens the stop that is under way."""
        await self._server.stop(grace=None)
        await self._stopping


async def start_server(
    listen: Listen,
    registrations: Sequence[Registration],
    *,
    limits: Limits | None = None,
    parts: ServerParts | None = None,
) -> RunningServer:
    """Return a server that listens and answers; all its services are SERVING.

    Raises:
        PortUnavailable: somebody else listens there.
    """
    limits, parts, in_flight = limits or Limits(), parts or ServerParts(), InFlight()
    layers = Layers(
        [
            RequestIds(),
            CallTraces(parts.tracing),
            AccessLog(parts.telemetry),
            ErrorMapper(),
            *parts.doors.layers(),
            Admission(limits, parts.telemetry, in_flight),
        ]
    )
    server = grpc.aio.server(
        interceptors=[LayeredCalls(layers, max_write_s=limits.max_write_s)],
        options=server_options(dict(parts.options)),
    )
    _show_doors(parts)
    health = _add_services(server, registrations)
    port = _bind(server, listen, parts.doors)
    await server.start()
    health.set_serving(is_serving=True)
    return RunningServer(
        server=server,
        address=f"{listen.host}:{port}",
        health=health,
        in_flight=in_flight,
        parts=parts,
    )


def _show_doors(parts: ServerParts) -> None:
    """Have every scrape look at the files that decide who gets in."""
    doors, telemetry = parts.doors, parts.telemetry
    telemetry.door_files_refused.set_function(doors.num_refused_files)
    telemetry.certificate_begins.set_function(lambda: doors.certificate_life()[0])
    telemetry.certificate_ends.set_function(lambda: doors.certificate_life()[1])


def _add_services(server: grpc.aio.Server, registrations: Sequence[Registration]) -> Health:
    for registration in registrations:
        registration.add(registration.servicer, server)
    names = [registration.full_name for registration in registrations]
    health = Health(names)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    health_name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
    reflection.enable_server_reflection([*names, health_name, reflection.SERVICE_NAME], server)
    return health


def _bind(server: grpc.aio.Server, listen: Listen, doors: Doors) -> int:
    with contextlib.suppress(RuntimeError):
        if doors.certificates is None:
            port = server.add_insecure_port(str(listen))
        else:
            port = server.add_secure_port(str(listen), doors.certificates.credentials())
        if port:
            return port
    raise PortUnavailable(
        f"cannot listen on {listen}: the port is in use or the address is not one of this host; "
        "stop what listens there, or choose another port (0 lets the system choose)",
        metadata={"address": str(listen)},
    )
