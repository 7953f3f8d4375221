"""From start to exit of a service process: what both `__main__`s share."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from prometheus_client import disable_created_metrics

from catalog_service.serving.admin import AdminServer, Probes, start_admin
from catalog_service.serving.drain import Step
from catalog_service.serving.garbage import collect_seldom
from catalog_service.serving.limits import Limits
from catalog_service.serving.server import (
    Listen,
    Registration,
    RunningServer,
    ServerParts,
    start_server,
)
from catalog_service.serving.telemetry import LoopLag
from vertebra.tracing import STOP_S

log = logging.getLogger(__name__)

Hook = Callable[[], Awaitable[object]]


async def nothing() -> None:
    """The hook of a service that has nothing to start or stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Everything that a service's `__main__` decides."""

    listen: Listen
    admin_listen: Listen | None = None
    """None: no admin port."""
    registrations: Sequence[Registration]
    limits: Limits = field(default_factory=Limits)
    parts: ServerParts = field(default_factory=ServerParts)
    """Hand `parts.drain` to the servicers whose streams are long."""
    ready_file: Path | None = None
    """Written when the service answers: {"address", "admin_address", "pid"}."""
    on_start: Hook = nothing
    """Runs before the port is opened."""
    on_stop: Hook = nothing
    """Runs after the last call ended, and also when the start failed."""


async def serve_until_signalled(service: Service) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends the drain at once.

    Raises:
        PortUnavailable: before anything was served.
    """
    # A second series for each counter, that nobody asks for; the function has no types.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    drain = service.parts.drain
    with _signals(drain.signalled):
        try:
            await service.on_start()
            await _serve(service)
        finally:
            hooks_s = service.parts.timing.hooks_s
            stop_hook = Step(name="stop hook", timeout_s=hooks_s, action=service.on_stop)
            await drain.run([stop_hook, _last_spans(service.parts)])


def leave_at_once() -> NoReturn:
    """End the process with status 0 after a drain, though threads still work for callers who left.

    Python would wait for them without a bound. What they write can be cut at any point: it becomes
    visible only whole.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _last_spans(parts: ServerParts) -> Step:
    async def send() -> None:
        if parts.tracing is not None:
            await asyncio.to_thread(parts.tracing.stop, STOP_S)

    return Step(name="last spans", timeout_s=STOP_S + 1, action=send)


async def _serve(service: Service) -> None:
    server = await start_server(
        service.listen, service.registrations, limits=service.limits, parts=service.parts
    )
    lag = LoopLag(service.parts.telemetry)
    watching = asyncio.ensure_future(lag.watch())
    admin: AdminServer | None = None
    try:
        admin = await _start_admin(service, lag)
        collect_seldom()
        _announce(service.ready_file, server, admin)
        for worry in service.parts.doors.worries(service.listen):
            log.warning(worry)
        await service.parts.drain.draining.wait()
        log.info("draining", extra={"calls_in_flight": server.in_flight.num_calls})
    finally:
        _remove(service.ready_file)
        await server.drain_and_stop()
        watching.cancel()
        if admin is not None:
            await admin.stop()
        log.info("stopped")


async def _start_admin(service: Service, lag: LoopLag) -> AdminServer | None:
    if service.admin_listen is None:
        return None
    parts = service.parts
    probes = Probes(
        registry=parts.telemetry.registry,
        is_alive=lag.is_alive,
        is_ready=lambda: not parts.drain.draining.is_set(),
        refresh=parts.telemetry.figures.refresh,
    )
    return await start_admin(service.admin_listen, probes)


def _announce(ready_file: Path | None, server: RunningServer, admin: AdminServer | None) -> None:
    admin_address = admin.address if admin else ""
    log.info("serving on %s", server.address, extra={"admin_address": admin_address})
    if ready_file is None:
        return
    ready = {"address": server.address, "admin_address": admin_address, "pid": os.getpid()}
    temporary = ready_file.with_name(f".{ready_file.name}.{os.getpid()}")
    temporary.write_text(json.dumps(ready), encoding="utf-8")
    temporary.replace(ready_file)


def _remove(ready_file: Path | None) -> None:
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)


@contextlib.contextmanager
def _signals(react: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, react)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
