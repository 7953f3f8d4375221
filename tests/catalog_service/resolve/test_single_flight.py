"""Callers that want the same thing at the same time share one computation."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from catalog_service.resolve.single_flight import SingleFlight
from catalog_service.weights.progress import Progress, Tell


def run_together(flights: SingleFlight, key: str, work: Callable[[], str]) -> list[str]:
    """Start one leader, let seven join it, then let it finish."""
    joined = threading.Semaphore(0)
    started, finish = threading.Event(), threading.Event()

    def leader_work() -> str:
        started.set()
        assert finish.wait(60)
        return work()

    with ThreadPoolExecutor(8) as threads:
        leader = threads.submit(flights.do, key, leader_work, waiting=lambda: None)
        assert started.wait(60)
        others = [
            threads.submit(flights.do, key, lambda: "ran again", waiting=joined.release)
            for _ in range(7)
        ]
        for _ in others:
            assert joined.acquire(timeout=60)
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


def test_those_who_wait_hear_what_the_one_that_runs_reports() -> None:
    flights, heard = SingleFlight(), [[], []]
    joined, started = threading.Event(), threading.Event()

    def work(tell: Tell) -> str:
        started.set()
        assert joined.wait(60)
        tell(Progress(step="downloading", text="half", bytes_done=1, bytes_total=2))
        return "answer"

    def second_hears(progress: Progress) -> None:
        heard[1].append(progress.step)
        joined.set()

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(
            flights.told, "key", work, lambda one: heard[0].append(one.step), joined="joined"
        )
        assert started.wait(60)
        second = threads.submit(flights.told, "key", work, second_hears, joined="joined")
        answers = [first.result(), second.result()]

    assert answers == ["answer", "answer"]
    assert heard == [["downloading"], ["waiting", "downloading"]]
