"""A call is one span, however it ends, in its caller's trace; its log line says which."""

import asyncio
import json
import logging
import subprocess
import sys

import grpc
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from catalog_service.errors import NotFound
from catalog_service.serving.logs import configure_logging, trace_id
from catalog_service.serving.server import ServerParts
from catalog_service.serving.stream_ends import RESUMED_HEADER
from catalog_service.serving.tracing import trace_id_in
from tests.fakes.echo_service import KINDS, NAME, echo_server
from tests.fakes.in_loop import in_loop, until
from vertebra.tracing_sdk import SdkTracing

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = (("traceparent", f"00-{TRACE}-{PARENT}-01"),)


class Spans:
    """Spans of a server under test."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        processor = SimpleSpanProcessor(self.exporter)
        provider.add_span_processor(processor)
        self.parts = ServerParts(tracing=SdkTracing(provider, [processor]))

    @property
    def ended(self):
        return self.exporter.get_finished_spans()


@pytest.mark.parametrize("kind", KINDS)
@in_loop
async def test_every_kind_of_call_is_one_span_below_its_caller(kind):
    spans, inside = Spans(), []

    async def note(text: str) -> str:
        inside.append(trace_id.get())
        return text

    async with echo_server(note, parts=spans.parts) as echo:
        await echo.call(kind, "a", metadata=TRACEPARENT)
        await until(lambda: len(spans.ended) == 1)

    [span] = spans.ended
    assert span.name == f"{NAME}/{kind}" and set(inside) == {TRACE}
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == PARENT
    assert span.attributes["rpc.grpc.status_code"] == 0
    assert span.status.is_unset


@in_loop
async def test_a_stream_whose_caller_leaves_ends_its_span():
    spans = Spans()

    async def for_ever(text: str) -> str:
        await asyncio.Event().wait()
        return text

    async with echo_server(for_ever, parts=spans.parts) as echo:
        call = echo.start("UnaryStream", b"", metadata=((RESUMED_HEADER, "rotate"),))
        await until(lambda: echo.server.in_flight.num_calls == 1)
        call.cancel()
        await until(lambda: len(spans.ended) == 1)

    attributes = spans.ended[0].attributes
    assert attributes["rpc.grpc.status_code"] == grpc.StatusCode.CANCELLED.value[0]
    assert attributes["vertebra.stream.ended_by"] == "cancelled"
    assert attributes["vertebra.stream.resumed_after"] == "rotate"


@pytest.mark.parametrize(
    ("error", "code", "is_error"),
    [(NotFound("no such thing"), 5, False), (RuntimeError("a bug"), 13, True)],
)
@in_loop
async def test_only_a_servers_own_failure_is_an_error_and_no_traceback_travels(
    error, code, is_error
):
    spans = Spans()

    async def fail(text: str) -> str:
        raise error

    async with echo_server(fail, parts=spans.parts) as echo:
        with pytest.raises(grpc.aio.AioRpcError):
            await echo.call("UnaryUnary", "a")
        await until(lambda: len(spans.ended) == 1)

    [span] = spans.ended
    assert span.attributes["rpc.grpc.status_code"] == code
    assert (not span.status.is_ok and not span.status.is_unset) == is_error
    assert span.events == () and "a bug" not in span.to_json()


@in_loop
async def test_a_log_line_says_which_trace_also_where_none_is_sent(caplog):
    caplog.set_level(logging.INFO)
    seen = []

    class Noting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if hasattr(record, "rpc"):
                seen.append(trace_id.get())

    handler = Noting()
    logging.getLogger().addHandler(handler)
    try:
        async with echo_server() as echo:
            await echo.call("UnaryUnary", "a", metadata=TRACEPARENT)
            await until(lambda: len(seen) == 1)
    finally:
        logging.getLogger().removeHandler(handler)

    assert seen == [TRACE]


def test_a_json_line_has_the_trace(capfd):
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logging("info", json=True)
        token = trace_id.set(TRACE)
        logging.getLogger("here").info("done")
        trace_id.reset(token)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)

    assert json.loads(capfd.readouterr().err)["trace_id"] == TRACE


@pytest.mark.parametrize(
    "header",
    ["", "x", f"00-{TRACE}-{PARENT}", f"ff-{TRACE}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01"],
)
def test_what_is_no_traceparent_is_no_trace(header):
    assert trace_id_in({"traceparent": header}) == "-"


@pytest.mark.parametrize(
    "module", ["catalog_service.__main__", "trainer_service.__main__", "vertebra.cli.main"]
)
def test_nothing_of_opentelemetry_is_imported_unless_asked_for(module):
    program = (
        f"import sys, os, {module}\n"
        "from vertebra.tracing import start_tracing, rpc_span\n"
        "assert start_tracing('x', {}) is None\n"
        "with rpc_span('a/b', 'c:1'): pass\n"
        "assert start_tracing('x', {'OTEL_TRACES_EXPORTER': 'none'}) is None\n"
        "off = {'OTEL_SDK_DISABLED': 'true', 'OTEL_EXPORTER_OTLP_ENDPOINT': 'http://a'}\n"
        "assert start_tracing('x', off) is None\n"
        "found = [name for name in sys.modules if name.startswith('opentelemetry')]\n"
        "assert not found, found\n"
    )

    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_grpc_to_a_collector_is_refused_in_words(caplog):
    from vertebra.tracing import start_tracing

    asked = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}

    assert start_tracing("x", asked) is None
    assert "only http/protobuf is spoken" in caplog.text
