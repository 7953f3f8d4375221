"""What a server counts about itself, for Prometheus. Labels are names of calls, never of things."""

import asyncio
import time
from collections import deque
from importlib import metadata

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from catalog_service.serving.figures import Figures
from catalog_service.serving.limits import Pool
from catalog_service.serving.page_faults import PageFaults

MAX_LAG_S = 10.0
"""An event loop that was blocked for longer counts as dead."""

TICK_S = 0.25
LAG_WINDOW_S = 30.0

_DURATIONS_S = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 600.0)


class Telemetry:
    """The metrics of one server, in a registry of its own.

    Attributes:
        figures: numbers that somebody has to be asked for, before they are shown.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.figures = Figures(self.registry)
        ProcessCollector(registry=self.registry)
        self.registry.register(PageFaults())
        self._gauge("build_info", "1; the release is a label.", "version").labels(_version()).set(1)
        self.started = self._counter("rpc_started", "Calls that arrived.", "rpc")
        self.handled = self._counter("rpc_handled", "Calls that ended.", "rpc", "code")
        self.refused = self._counter("rpc_refused", "Calls over a limit.", "pool")
        for pool in set(Pool) - {Pool.EXEMPT}:
            self.refused.labels(pool.value)  # at 0: the first refusals are an increase, too
        self.duration = Histogram(
            "vertebra_rpc_duration_seconds",
            "From arrival to end.",
            ("rpc", "code"),
            buckets=_DURATIONS_S,
            registry=self.registry,
        )
        self.in_flight = self._gauge("rpc_in_flight", "Calls being served.", "rpc", "kind")
        self.sent = self._counter("rpc_sent_bytes", "Message bytes to callers.", "rpc")
        self.received = self._counter("rpc_received_bytes", "Message bytes from callers.", "rpc")
        self.streams_ended = self._counter(
            "rpc_streams_ended", "Streams by what ended them.", "rpc", "reason"
        )
        self.streams_resumed = self._counter(
            "rpc_streams_resumed", "Streams opened again, by what had cut them.", "rpc", "after"
        )
        self.loop_lag = self._gauge("event_loop_lag_seconds", "Worst of the last 30 s.")
        self.draining = self._gauge("draining", "1 while the server shuts down.")
        self.door_files_refused = self._gauge(
            "door_files_refused",
            "Access file and certificates that changed into what cannot be taken: 0 to 2.",
        )
        self.certificate_begins = self._gauge(
            "certificate_not_before_timestamp_seconds", "The server's certificate; 0: it has none."
        )
        self.certificate_ends = self._gauge(
            "certificate_not_after_timestamp_seconds", "The server's certificate; 0: it has none."
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"vertebra_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"vertebra_{name}", text, labels, registry=self.registry)


def _version() -> str:
    try:
        return metadata.version("vertebra")
    except metadata.PackageNotFoundError:
        return "unknown"


class LoopLag:
    """How late the event loop is: the longest it was blocked within the last 30 seconds."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._seen: deque[tuple[float, float]] = deque()

    def worst_s(self) -> float:
        """Return the worst lag of the window."""
        now = time.monotonic()
        while self._seen and self._seen[0][0] < now - LAG_WINDOW_S:
            self._seen.popleft()
        return max((lag for _, lag in self._seen), default=0.0)

    def is_alive(self) -> bool:
        """Return whether the loop was not blocked for long."""
        return self.worst_s() < MAX_LAG_S

    def note(self, lag_s: float) -> None:
        """Take in one measurement."""
        self._seen.append((time.monotonic(), max(0.0, lag_s)))
        self._telemetry.loop_lag.set(self.worst_s())

    async def watch(self) -> None:
        """Measure until cancelled."""
        while True:
            due = time.monotonic() + TICK_S
            await asyncio.sleep(TICK_S)
            self.note(time.monotonic() - due)
