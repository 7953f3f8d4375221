"""What a long queue costs its callers: creating, listing and getting jobs beside 10,000 that wait,
beside the same calls of a trainer with an empty queue.
"""

import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.rows import Metric, Row, Sample, Way, compare, take_turns
from tests.fakes.job_values import job_spec
from trainer_service.job_store import JobStore, NewJob

TEAM, TEAM_JOBS = 0, 50
"""The team that is asked for, and how many jobs each has: as many are found in both queues."""
METRICS = (
    Metric(name="create_ms", title="create, ms"),
    Metric(name="list_ms", title="list 50 newest, ms"),
    Metric(name="filter_ms", title="list by label and state, ms"),
    Metric(name="queue_ms", title="the queue's first, ms"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    num_jobs: int
    num_few: int
    num_calls: int
    num_rounds: int


def measure(size: Size) -> list[Row]:
    """Return the rows of the store's calls."""
    with tempfile.TemporaryDirectory() as name:
        long = _queue(Path(name) / "long.db", size.num_jobs)
        short = _queue(Path(name) / "short.db", size.num_few)
        ours, peer = (
            Way(
                name=f"{number:,} jobs wait",
                command=f"JobStore with {number:,} QUEUED jobs: create_job, page_of_jobs, queue",
                run=lambda store=store: _called(store, size.num_calls),  # type: ignore[misc]
            )
            for store, number in ((long, size.num_jobs), (short, size.num_few))
        )
        samples = take_turns([ours, peer], size.num_rounds)
        long.close()
        short.close()
    return compare("long_queue", ours, peer, METRICS, samples)


def _queue(path: Path, num_jobs: int) -> JobStore:
    store = JobStore(f"sqlite:///{path}")
    num_teams = max(1, num_jobs // TEAM_JOBS)
    for number in range(num_jobs):
        store.create_job(_new(number % num_teams))
    return store


def _new(team: int) -> NewJob:
    spec = replace(job_spec(), labels={"team": f"team-{team}"})
    return NewJob(spec=spec, sent_spec="{}", request_id=str(uuid.uuid4()), request_hash="h")


def _called(store: JobStore, num_calls: int) -> Sample:
    """Return the median of each call."""
    wanted = f"labels.team = team-{TEAM} AND state = queued"
    return {
        "create_ms": _median_ms(num_calls, lambda: store.create_job(_new(TEAM))),
        "list_ms": _median_ms(num_calls, store.page_of_jobs),
        "filter_ms": _median_ms(num_calls, lambda: store.page_of_jobs(filter=wanted)),
        "queue_ms": _median_ms(num_calls, lambda: store.queue(limit=10)),
    }


def _median_ms(num_calls: int, call: Callable[[], object]) -> float:
    times_s = []
    for _ in range(num_calls):
        began = time.perf_counter()
        call()
        times_s.append(time.perf_counter() - began)
    return statistics.median(times_s) * 1e3
