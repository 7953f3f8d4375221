"""What the catalog counts: kinds of places and functions, never paths, URLs or digests."""

import os
import signal

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from catalog_service.catalog_metrics import CatalogMetrics, location_kind
from catalog_service.weights.downloads.downloads import Arriving
from catalog_service.weights.trail import Outcome, Step
from catalog_service.worker_pool import WorkerDied, WorkerPool


@pytest.fixture
def registry():
    return CollectorRegistry()


def page(registry: CollectorRegistry) -> str:
    return generate_latest(registry).decode()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("store", "store"),
        ("torch-hub cache /data/torch", "torch_hub_cache"),
        ("Hugging Face cache /data/hf", "hf_cache"),
        ("mirror /mnt/weights", "mirrors"),
        ("mirror https://weights.example", "http_mirrors"),
        ("origin https://download.example/a.pth", "origin"),
        ("registered origin https://files.example/b.pth", "registered_url"),
    ],
)
def test_a_place_is_counted_by_its_kind(name, kind):
    assert location_kind(name) == kind


def test_a_search_counts_every_place_and_where_it_ended(registry):
    metrics = CatalogMetrics(registry)

    metrics.tried(
        [
            Step(location="store", outcome=Outcome.ABSENT),
            Step(location="mirror /mnt/a", outcome=Outcome.WRONG_DIGEST),
            Step(location="origin", outcome=Outcome.HIT),
        ]
    )
    metrics.tried([Step(location="store", outcome=Outcome.ABSENT)])

    found = page(registry)
    assert 'looks_total{location="mirrors",outcome="wrong_digest"} 1.0' in found
    assert 'weight_searches_total{location="origin"} 1.0' in found
    assert 'weight_searches_total{location="nowhere"} 1.0' in found
    assert "/mnt" not in found


def test_only_what_came_now_is_counted_also_when_a_file_begins_anew():
    came: list[int] = []
    arriving = Arriving("origin", lambda _, num_bytes: came.append(num_bytes))

    arriving.begin_at(100)
    for done in (0, 150, 150, 400, 30, 90):
        arriving.reached(done)

    assert sum(came) == 50 + 250 + 90


def test_a_worker_that_is_killed_is_counted_and_replaced(registry):
    metrics = CatalogMetrics(registry)
    pool = WorkerPool(1, called=metrics.called)
    metrics.watch_pool(pool)
    with pytest.raises(RuntimeError):  # answered by a live worker
        pool.call("no_such_function", {})
    [pid] = pool.pids()

    os.kill(pid, signal.SIGKILL)

    with pytest.raises((WorkerDied, RuntimeError)):
        pool.call("no_such_function", {})
    with pytest.raises(RuntimeError):
        pool.call("no_such_function", {})

    found = page(registry)
    pool.close()
    assert "vertebra_catalog_worker_restarts_total 1.0" in found
    assert "vertebra_catalog_workers 1.0" in found
    assert "vertebra_catalog_workers_busy 0.0" in found
