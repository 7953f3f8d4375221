"""The queue, for Prometheus: asked of the job store, seldom, and only while somebody scrapes. What
all hosts share is shown by each of them.
"""

import time

from prometheus_client import CollectorRegistry, Gauge

from catalog_service.serving.figures import Figures
from trainer_service.job_store import JobStore
from trainer_service.jobs import FINAL_STATES, JobState

QUEUE_EVERY_S = 5.0
"""100,000 waiting jobs take the store 60 ms, of a thread that waits for nobody's writes."""


class QueueMetrics:
    """Shows what a job store says of the queue."""

    def __init__(self, registry: CollectorRegistry, figures: Figures, store: JobStore) -> None:
        self._store = store
        name = "vertebra_trainer"
        self._jobs = Gauge(f"{name}_jobs", "Jobs that are not over.", ("state",), registry=registry)
        self._oldest = Gauge(
            f"{name}_queue_oldest_wait_seconds",
            "Of the jobs that wait for devices only.",
            registry=registry,
        )
        self._hosts = Gauge(f"{name}_hosts", "Hosts of the queue.", registry=registry)
        figures.add("queue", self._ask, every_s=QUEUE_EVERY_S)

    def _ask(self) -> None:
        found = self._store.figures()
        for state in JobState:
            if state not in FINAL_STATES:
                self._jobs.labels(state.value).set(found.num_in_state.get(state, 0))
        since = found.oldest_ready_time
        self._oldest.set(max(0.0, time.time() - since) if since else 0.0)
        self._hosts.set(found.num_hosts)
