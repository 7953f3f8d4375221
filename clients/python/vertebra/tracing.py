"""Traces, where OpenTelemetry's standard variables ask for them: one span a call, and what else has
a beginning and an end.

Nothing of OpenTelemetry is imported unless OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_TRACES_EXPORTER is
set. Spans wait in a bounded queue; where the collector is away or slow they are dropped, and nobody
waits for it.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the command line shows its help without it
    from google.protobuf.message import Message

Attributes = Mapping[str, str | int | float | bool]

PROTOCOLS = ("", "http/protobuf")
"""What OTEL_EXPORTER_OTLP_PROTOCOL may be: gRPC is not spoken to collectors, because workers and
forks share their processes with them."""

STOP_S = 2.0
"""How long the end of a process waits for its last spans; the rest is dropped."""

log = logging.getLogger(__name__)


class RpcSpan(Protocol):
    """One call, as its caller sees it."""

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What tells the service which trace its work belongs to."""
        ...

    def resumed(self, after: str) -> None:
        """Note that a stream is opened again, and what had ended it."""
        ...


class ServedSpan(Protocol):
    """One call, as its server sees it."""

    trace_id: str

    def ended(self, code: str, attributes: Attributes) -> None:
        """Note the status, such as `NOT_FOUND`, and what is known by the end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedSpan:
    """A span that was measured elsewhere, such as in a process that is gone."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start_s: float
    """Unix seconds."""
    end_s: float
    attributes: Attributes = field(default_factory=dict)
    error: str = ""
    """What went wrong; empty where nothing did."""
    service: str = ""
    """Whose it is; empty for this process's own."""


class Tracing(Protocol):
    """Spans on their way to a collector."""

    def client_span(self, rpc: str, address: str) -> AbstractContextManager[RpcSpan]:
        """Measure a call. It is not made current: streams are generators."""
        ...

    def server_span(
        self, rpc: str, metadata: Mapping[str, str | bytes]
    ) -> AbstractContextManager[ServedSpan]:
        """Measure a call that is served; it is current meanwhile."""
        ...

    def span(self, name: str, traceparent: str = "") -> AbstractContextManager[None]:
        """Measure a piece of work, below `traceparent` or what is current; it is current then."""
        ...

    def send(self, span: FinishedSpan) -> None:
        """Send a span that was measured elsewhere."""
        ...

    def current(self) -> str:
        """Return the current span as W3C's `traceparent`; empty where none is, or none is sent."""
        ...

    def stop(self, within_s: float = STOP_S) -> None:
        """Send what waits, as far as time allows, and nothing more."""
        ...


class NoSpan:
    """Stands for a call that nobody measures."""

    metadata: tuple[tuple[str, str], ...] = ()

    def resumed(self, after: str) -> None:
        """Nobody wants to know."""


NO_SPAN = NoSpan()


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Return whether the environment asks for traces. Source: OpenTelemetry's specification of SDK
    environment variables.
    """
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporters = environ.get("OTEL_TRACES_EXPORTER", "")
    if exporters:
        return exporters.strip() != "none"
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return any(environ.get(name) for name in endpoints)


def start_tracing(service_name: str, environ: Mapping[str, str]) -> Tracing | None:
    """Return the traces of this process, None where the environment asks for none. From here on
    clients in this process measure their calls, too.

    Args:
        service_name: unless OTEL_SERVICE_NAME has another one.
    """
    if not is_wanted(environ):
        return None
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", ""
    )
    if protocol not in PROTOCOLS:
        log.warning(
            "no traces: OTEL_EXPORTER_OTLP_PROTOCOL is %r, and only http/protobuf is spoken; "
            "collectors listen for that on port 4318",
            protocol,
        )
        return None
    try:
        from vertebra import tracing_sdk
    except ImportError as error:
        log.warning(
            "no traces: OTEL_* asks for them, and %s is not installed; "
            "pip install 'vertebra[telemetry]'",
            error.name,
        )
        return None
    name = environ.get("OTEL_SERVICE_NAME") or service_name
    return tracing_sdk.start(name, environ.get("OTEL_TRACES_EXPORTER") or "otlp")


@lru_cache(maxsize=1)
def _own_tracing() -> Tracing | None:
    """Return the traces of a program that uses our clients and set none up itself."""
    return start_tracing("vertebra-client", os.environ)


def tracing_of_calls() -> Tracing | None:
    """Return what measures the calls of clients; None where nobody asked for it."""
    return _own_tracing() if is_wanted(os.environ) else None


@contextmanager
def rpc_span(rpc: str, address: str) -> Iterator[RpcSpan]:
    """Measure a call, if anybody wants to know."""
    tracing = tracing_of_calls()
    if tracing is None:
        yield NO_SPAN
        return
    with tracing.client_span(rpc, address) as span:
        yield span


def rpc_of(request: "Message") -> str:
    """Return `package.Service/Method` of a request: each rpc has a request of its own."""
    descriptor = request.DESCRIPTOR
    for service in descriptor.file.services_by_name.values():
        for method in service.methods:
            if method.input_type is descriptor:
                return f"{service.full_name}/{method.name}"
    return str(descriptor.full_name)


def current_traceparent() -> str:
    """Return the current span as W3C's `traceparent`; empty where there is none."""
    tracing = tracing_of_calls()
    return tracing.current() if tracing is not None else ""
