"""What the catalog counts about its work, for Prometheus: where weights were found, what came from
where, what was built, and how its workers do. The rooms below only tell what happened.
"""

from collections.abc import Iterator, Sequence
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from catalog_service.serving.store_metrics import LONG_DURATIONS_S
from catalog_service.weights.trail import Step
from catalog_service.worker_pool import WorkerCall, WorkerPool

_KINDS = (
    ("store", "store"),
    ("torch-hub cache", "torch_hub_cache"),
    ("Hugging Face cache", "hf_cache"),
    ("mirror http", "http_mirrors"),
    ("mirror", "mirrors"),
    ("origin", "origin"),
)
"""How trails call places, by how they begin, and how VERTEBRA_CATALOG_LOCATIONS calls them."""

_SERVERS = ("http_mirrors", "origin")
_TROUBLE = ("unreachable", "server_error", "gated")


def location_kind(name: str) -> str:
    """Return the kind of a place: names have paths and URLs in them, labels must not."""
    found = (kind for prefix, kind in _KINDS if name.startswith(prefix))
    return next(found, "registered_url")


class CatalogMetrics:
    """The catalog's own metrics; its methods are what the rooms call."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._registry = registry or CollectorRegistry()
        self._searches = self._counter(
            "weight_searches", "Published weights asked for, by where they were.", "location"
        )
        self._looks = self._counter(
            "location_looks", "Places looked at for a weight.", "location", "outcome"
        )
        self._downloaded = self._counter(
            "downloaded_bytes", "Bytes that came from servers.", "location"
        )
        self._builds = self._counter("builds", "States asked for, by what was done.", "result")
        self._evicted = self._counter("evicted_bytes", "Bytes that went for others.")
        self._build_time = self._histogram("build_duration_seconds", "To compose a state.")
        self._waited = self._histogram(
            "worker_wait_seconds", "Until a worker was free.", "function"
        )
        self._worked = self._histogram(
            "worker_call_duration_seconds", "What workers did.", "function", "outcome"
        )
        self._begin_at_zero()

    def tried(self, trail: Sequence[Step]) -> None:
        """Count a search that is over, by its trail."""
        for step in trail:
            outcome = step.outcome.name.lower()
            self._looks.labels(location_kind(step.location), outcome).inc()
        found = [step.location for step in trail if step.outcome.name == "HIT"]
        self._searches.labels(location_kind(found[-1]) if found else "nowhere").inc()

    def arrived(self, location: str, num_bytes: int) -> None:
        """Count bytes that a server sent."""
        self._downloaded.labels(location_kind(location)).inc(num_bytes)

    def called(self, call: WorkerCall) -> None:
        """Count an order that a worker had."""
        self._waited.labels(call.function).observe(call.waited_s)
        self._worked.labels(call.function, call.outcome).observe(call.worked_s)

    def built(self, result: str, duration_s: float) -> None:
        """Count a state that was asked for."""
        self._builds.labels(result).inc()
        if result != "reused":
            self._build_time.observe(duration_s)

    def evicted(self, size_bytes: int) -> None:
        """Count a blob that made room for others."""
        self._evicted.inc(size_bytes)

    def watch_pool(self, pool: WorkerPool) -> None:
        """Show how the workers are from now on."""
        self._registry.register(_Workers(pool))

    def _begin_at_zero(self) -> None:
        """Show from the start what alerts look at: a series that begins with its first failures
        has no increase.
        """
        for result in ("reused", "built", "failed"):
            self._builds.labels(result)
        self._searches.labels("nowhere")
        for location, outcome in product(_SERVERS, _TROUBLE):
            self._looks.labels(location, outcome)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"vertebra_catalog_{name}", text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(
            f"vertebra_catalog_{name}",
            text,
            labels,
            buckets=LONG_DURATIONS_S,
            registry=self._registry,
        )


class _Workers(Collector):
    """How the workers are, read when it is asked for."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def collect(self) -> Iterator[Metric]:
        """Yield what a pool knows of itself."""
        name = "vertebra_catalog_workers"
        yield GaugeMetricFamily(name, "Processes that hold torch.", value=len(self._pool.pids()))
        yield GaugeMetricFamily(f"{name}_busy", "Those with an order.", value=self._pool.num_busy)
        yield CounterMetricFamily(
            "vertebra_catalog_worker_restarts",
            "Workers started in place of one that had ended.",
            value=self._pool.num_restarts,
        )
