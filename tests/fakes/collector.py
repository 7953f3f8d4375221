"""An OpenTelemetry collector that keeps what it gets: OTLP over HTTP, as real ones take it."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A span as it arrived."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    attributes: dict[str, object]
    events: tuple[tuple[str, dict[str, object]], ...]
    is_error: bool


@dataclass(slots=True)
class Collector:
    """What came so far."""

    url: str
    spans: list[Seen] = field(default_factory=list)
    may_answer: threading.Event = field(default_factory=threading.Event)
    """Cleared: it takes what comes and answers nothing."""

    def named(self, name: str) -> list[Seen]:
        """Return spans by name."""
        return [span for span in self.spans if span.name == name]

    def tree(self) -> str:
        """Return all traces as indented lines, for people."""
        ids = {span.span_id for span in self.spans}
        roots = [span for span in self.spans if span.parent_id not in ids]
        return "\n".join(
            line
            for root in sorted(roots, key=lambda span: span.start_ns)
            for line in self._below(root, 0)
        )

    def _below(self, span: Seen, depth: int) -> Iterator[str]:
        took_ms = (span.end_ns - span.start_ns) / 1e6
        error = "  ERROR" if span.is_error else ""
        head = f"{span.trace_id[:6]} " if depth == 0 else " " * 7
        yield f"{head}{'  ' * depth}{span.service}: {span.name}  {took_ms:.0f} ms{error}"
        children = [each for each in self.spans if each.parent_id == span.span_id]
        for child in sorted(children, key=lambda each: each.start_ns):
            yield from self._below(child, depth + 1)


@contextmanager
def running_collector() -> Iterator[Collector]:
    """Run a collector on a free port."""
    collector = Collector(url="")
    collector.may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name of the standard library
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.may_answer.wait(60)
            collector.spans.extend(_spans(ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.may_answer.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Seen]:
    for of_resource in request.resource_spans:
        service = _attributes(of_resource.resource.attributes)["service.name"]
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield Seen(
                    service=str(service),
                    name=span.name,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    start_ns=span.start_time_unix_nano,
                    end_ns=span.end_time_unix_nano,
                    attributes=_attributes(span.attributes),
                    events=tuple((each.name, _attributes(each.attributes)) for each in span.events),
                    is_error=span.status.code == 2,
                )


def _attributes(pairs: object) -> dict[str, object]:
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value"))
        for pair in pairs  # type: ignore[attr-defined]
    }
