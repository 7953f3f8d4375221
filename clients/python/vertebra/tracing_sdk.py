"""The only code that knows OpenTelemetry. Import it where traces are asked for, nowhere else."""

import atexit
import logging
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata as distributions

import grpc
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SpanExporter,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from vertebra.client_errors import RpcFailed
from vertebra.tracing import STOP_S, Attributes, FinishedSpan

SCOPE = "vertebra"

SERVER_FAULTS = frozenset(
    {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
)
"""Statuses that are a server's failures; the others are what the caller asked for. Source:
OpenTelemetry's semantic conventions for gRPC."""

QUIET_S = 60.0
"""A collector that is away is told of this often."""


class _Seldom(logging.Filter):
    """Lets one failure of the exporter through now and then: it tries again all the time."""

    def __init__(self) -> None:
        super().__init__()
        self._said_at = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if record.levelno < logging.ERROR or now - self._said_at < QUIET_S:
            return False
        self._said_at = now
        return True


class SdkTracing:
    """Implements `Tracing` with OpenTelemetry's SDK."""

    def __init__(self, provider: TracerProvider, processors: list[SpanProcessor]) -> None:
        self._provider = provider
        self._processors = processors
        self._tracer = provider.get_tracer(SCOPE, _version())
        self._stopping: threading.Thread | None = None

    @contextmanager
    def client_span(self, rpc: str, address: str) -> Iterator["_ClientSpan"]:
        """See `Tracing`."""
        attributes = {**_rpc_attributes(rpc), "server.address": address}
        span = self._tracer.start_span(rpc, kind=SpanKind.CLIENT, attributes=attributes)
        try:
            yield _ClientSpan(span)
            _set_code(span, "OK")
        except RpcFailed as failure:
            _set_code(span, failure.code.name)
            span.set_status(Status(StatusCode.ERROR, failure.message))
            span.set_attribute("error.type", failure.reason or failure.code.name)
            raise
        except GeneratorExit:
            _set_code(span, "CANCELLED")  # a reader who has enough
            raise
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            span.end()

    @contextmanager
    def server_span(self, rpc: str, metadata: Mapping[str, str | bytes]) -> Iterator["_ServedSpan"]:
        """See `Tracing`."""
        carrier = {name: text for name, text in metadata.items() if isinstance(text, str)}
        with self._tracer.start_as_current_span(
            rpc,
            context=propagate.extract(carrier),
            kind=SpanKind.SERVER,
            attributes=_rpc_attributes(rpc),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield _ServedSpan(span)

    @contextmanager
    def span(self, name: str, traceparent: str = "") -> Iterator[None]:
        """See `Tracing`."""
        context = propagate.extract({"traceparent": traceparent}) if traceparent else None
        with self._tracer.start_as_current_span(name, context=context, record_exception=False):
            yield

    def send(self, span: FinishedSpan) -> None:
        """See `Tracing`."""
        resource = self._provider.resource
        if span.service:
            resource = resource.merge(Resource({"service.name": span.service}))
        status = Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET)
        finished = ReadableSpan(
            name=span.name,
            context=_context(span.trace_id, span.span_id),
            parent=_context(span.trace_id, span.parent_id) if span.parent_id else None,
            resource=resource,
            attributes=dict(span.attributes),
            status=status,
            start_time=int(span.start_s * 1e9),
            end_time=int(max(span.end_s, span.start_s) * 1e9),
            instrumentation_scope=InstrumentationScope(SCOPE, _version()),
        )
        for processor in self._processors:
            processor.on_end(finished)

    def current(self) -> str:
        """See `Tracing`."""
        if not trace.get_current_span().get_span_context().trace_flags.sampled:
            return ""
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        return carrier.get("traceparent", "")

    def stop(self, within_s: float = STOP_S) -> None:
        """See `Tracing`. The SDK's own end waits for a collector for as long as that likes."""
        if self._stopping is None:
            self._stopping = threading.Thread(target=self._provider.shutdown, daemon=True)
            self._stopping.start()
        self._stopping.join(within_s)


class _ClientSpan:
    def __init__(self, span: Span) -> None:
        self._span = span
        carrier: dict[str, str] = {}
        propagate.inject(carrier, trace.set_span_in_context(span))
        self.metadata = tuple(carrier.items())

    def resumed(self, after: str) -> None:
        self._span.add_event("resumed", {"after": after})


class _ServedSpan:
    def __init__(self, span: Span) -> None:
        self._span = span
        self.trace_id = trace.format_trace_id(span.get_span_context().trace_id)

    def ended(self, code: str, attributes: Attributes) -> None:
        _set_code(self._span, code)
        self._span.set_attributes(attributes)
        if code in SERVER_FAULTS:
            self._span.set_status(Status(StatusCode.ERROR, str(attributes.get("error.type", code))))


def start(service_name: str, exporters: str) -> SdkTracing:
    """Return traces that go where the variables say, for everybody in this process. Where the
    program has set up a provider of its own, that one is used.

    Args:
        exporters: `otlp`, `console`, or both, separated by commas.
    """
    known = trace.get_tracer_provider()
    if isinstance(known, TracerProvider):
        return SdkTracing(known, [])
    provider = TracerProvider(
        resource=Resource.create({"service.name": service_name, "service.version": _version()}),
        shutdown_on_exit=False,
    )
    processors: list[SpanProcessor] = [
        BatchSpanProcessor(_exporter(name.strip())) for name in exporters.split(",")
    ]
    for processor in processors:
        provider.add_span_processor(processor)
    logging.getLogger(OTLPSpanExporter.__module__).addFilter(_Seldom())
    trace.set_tracer_provider(provider)
    tracing = SdkTracing(provider, processors)
    atexit.register(tracing.stop)
    return tracing


def _exporter(name: str) -> SpanExporter:
    if name == "console":
        return ConsoleSpanExporter(out=sys.stderr)
    if name != "otlp":
        logging.getLogger(__name__).warning(
            "OTEL_TRACES_EXPORTER knows otlp, console and none, not %r; otlp is used", name
        )
    return OTLPSpanExporter()


def _rpc_attributes(rpc: str) -> dict[str, str]:
    service, _, method = rpc.partition("/")
    return {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}


def _set_code(span: Span, code: str) -> None:
    span.set_attribute("rpc.grpc.status_code", grpc.StatusCode[code].value[0])


def _context(trace_id: str, span_id: str) -> SpanContext:
    return SpanContext(
        trace_id=int(trace_id, 16),
        span_id=int(span_id, 16),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _version() -> str:
    try:
        return distributions.version("vertebra")
    except distributions.PackageNotFoundError:
        return ""
