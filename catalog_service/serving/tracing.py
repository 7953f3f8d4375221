"""Which trace a call belongs to, in its log lines always, and as a span where traces are sent.

Not for how spans travel: `vertebra.tracing` knows that, and imports OpenTelemetry only where the
environment asks for it.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from catalog_service.serving.call import Call
from catalog_service.serving.limits import Pool
from catalog_service.serving.logs import trace_id
from vertebra.tracing import Tracing

TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""Source: https://www.w3.org/TR/trace-context/#traceparent-header."""


def trace_id_in(metadata: Mapping[str, str | bytes]) -> str:
    """Return the trace that a caller says its call belongs to, `-` where it says none."""
    found = TRACEPARENT.fullmatch(str(metadata.get("traceparent", "")))
    return found[1] if found else "-"


class CallTraces:
    """Puts every call into its caller's trace; health and reflection make no spans.

    Args:
        tracing: None makes no spans.
    """

    def __init__(self, tracing: Tracing | None) -> None:
        self._tracing = tracing

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Measure the call from here to its end, however it ends."""
        trace_id.set(trace_id_in(call.metadata))
        if self._tracing is None or call.pool is Pool.EXEMPT:
            yield
            return
        with self._tracing.server_span(call.name, call.metadata) as span:
            trace_id.set(span.trace_id)
            try:
                yield
            finally:
                span.ended(call.code, _attributes(call))


def _attributes(call: Call) -> dict[str, str | int]:
    known = {
        "vertebra.request_id": call.request_id,
        "error.type": call.reason,
        "vertebra.stream.ended_by": call.ended_by,
        "vertebra.stream.resumed_after": call.resumed_after,
        "network.peer.address": call.context.peer(),
    }
    sizes = {
        "vertebra.sent_bytes": call.num_sent_bytes,
        "vertebra.received_bytes": call.num_received_bytes,
    }
    return {name: text for name, text in known.items() if text} | sizes
