"""Callers that want the same thing at the same time share one computation."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from catalog_service.resolve.single_flight import SingleFlight


def run_together(flights: SingleFlight, key: str, work: Callable[[], str]) -> list[str]:
    """Start one leader, let seven join it, then let it finish."""
    joined = threading.Semaphore(0)
    started, finish = threading.Event(), threading.Event()

    def leader_work() -> str:
        started.set()
        assert finish.wait(10)
        return work()

    with ThreadPoolExecutor(8) as threads:
        leader = threads.submit(flights.do, key, leader_work, waiting=lambda: None)
        assert started.wait(10)
        others = [
            threads.submit(flights.do, key, lambda: "ran again", waiting=joined.release)
            for _ in range(7)
        ]
        for _ in others:
            assert joined.acquire(timeout=10)
        finish.set()
        return [future.result() for future in (leader, *others)]


def test_all_get_the_answer_of_the_one_that_ran() -> None:
    assert run_together(SingleFlight(), "key", lambda: "answer") == ["answer"] * 8


def test_all_get_the_error_of_the_one_that_ran_and_the_next_call_runs_again() -> None:
    flights = SingleFlight()

    def fail() -> str:
        raise LookupError("no")

    with pytest.raises(LookupError):
        run_together(flights, "key", fail)

    assert flights.do("key", lambda: "again", waiting=lambda: None) == "again"


def test_other_keys_do_not_wait() -> None:
    flights = SingleFlight()

    inner = flights.do(
        "a",
        lambda: flights.do("b", lambda: "b", waiting=lambda: None),
        waiting=lambda: None,
    )

    assert inner == "b"
