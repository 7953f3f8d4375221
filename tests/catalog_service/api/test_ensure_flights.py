"""Many calls, one piece of work: who waits, who leaves, what each is told."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from catalog_service.api.ensure_flights import MAX_PENDING, EnsureFlights, Watch
from catalog_service.errors import Exhausted, Precondition
from catalog_service.weights.progress import Progress, Tell
from catalog_service.weights.trail import Outcome, Step

FOREVER_S = 60.0


class Work:
    """Reports, then waits until it is let go; returns the reference or fails."""

    def __init__(self, *reports: Progress, error: Exception | None = None) -> None:
        self.go = threading.Event()
        self.has_told = threading.Event()
        self.reports = reports
        self.error = error
        self.begun: list[str] = []
        self.tell: Tell | None = None

    def __call__(self, reference: str, tell: Tell) -> str:
        self.begun.append(reference)
        self.tell = tell
        for report in self.reports:
            tell(report)
        self.has_told.set()
        assert self.go.wait(FOREVER_S)
        if self.error is not None:
            raise self.error
        return reference.upper()


def downloading(bytes_done: int) -> Progress:
    return Progress(step="downloading", text="x.pth", location="origin", bytes_done=bytes_done)


def in_loop(work: Work, scene: Callable[[EnsureFlights[str]], Awaitable[object]]) -> object:
    """Play a scene, then end the work and its thread."""

    async def play() -> object:
        flights = EnsureFlights[str](work)
        try:
            return await scene(flights)
        finally:
            work.go.set()
            flights.close()

    return asyncio.run(play())


async def watched(flights: EnsureFlights[str], reference: str) -> str:
    """Watch to the end."""
    with flights.joined(reference) as watch:
        async for _ in watch.reports(until=asyncio.Event(), silence_s=FOREVER_S):
            pass
        return watch.result()


async def first_report(watch: Watch[str]) -> Progress | None:
    async with aclosing(watch.reports(until=asyncio.Event(), silence_s=FOREVER_S)) as reports:
        return await anext(reports)


def test_sixty_four_callers_of_one_weight_share_one_piece_of_work() -> None:
    work = Work(downloading(1))

    async def scene(flights: EnsureFlights[str]) -> list[str]:
        calls = [asyncio.ensure_future(watched(flights, "a")) for _ in range(64)]
        await asyncio.sleep(0)
        work.go.set()
        return await asyncio.gather(*calls)

    assert in_loop(work, scene) == ["A"] * 64
    assert work.begun == ["a"]


def test_sixty_three_cancelled_callers_leave_the_last_one_alone() -> None:
    work = Work(downloading(1))

    async def scene(flights: EnsureFlights[str]) -> str:
        calls = [asyncio.ensure_future(watched(flights, "a")) for _ in range(64)]
        await asyncio.sleep(0)
        for call in calls[:63]:
            call.cancel()
        await asyncio.gather(*calls[:63], return_exceptions=True)
        work.go.set()
        return await calls[63]

    assert in_loop(work, scene) == "A"


def test_the_work_goes_on_when_nobody_watches_and_a_newcomer_finds_it() -> None:
    work = Work(downloading(7))

    async def scene(flights: EnsureFlights[str]) -> list[object]:
        with flights.joined("a") as watch:
            await first_report(watch)
        with flights.joined("a") as watch:
            told = await first_report(watch)
        work.go.set()
        return [told, await watched(flights, "a")]

    assert in_loop(work, scene) == [downloading(7), "A"]
    assert work.begun == ["a"]


def test_every_caller_gets_the_failure() -> None:
    work = Work(error=Precondition("no bytes"))

    async def scene(flights: EnsureFlights[str]) -> list[object]:
        calls = [watched(flights, "a") for _ in range(3)]
        work.go.set()
        return await asyncio.gather(*calls, return_exceptions=True)

    failures = in_loop(work, scene)

    assert [str(failure) for failure in failures] == ["no bytes"] * 3  # type: ignore[attr-defined]


def test_a_finished_weight_is_worked_on_again_when_asked_again() -> None:
    """The store answers then: nothing is kept here."""
    work = Work()
    work.go.set()

    async def scene(flights: EnsureFlights[str]) -> list[str]:
        return [await watched(flights, "a"), await watched(flights, "a")]

    assert in_loop(work, scene) == ["A", "A"]
    assert work.begun == ["a", "a"]


def test_a_slow_reader_gets_the_newest_numbers_and_every_step() -> None:
    left = Progress(step="resolving", text="", left=Step(location="mirror", outcome=Outcome.ABSENT))
    converting = Progress(step="converting", text="x.pth")
    numbers = [downloading(number) for number in range(MAX_PENDING * 2)]
    work = Work(left, *numbers, converting)

    async def scene(flights: EnsureFlights[str]) -> list[Progress | None]:
        with flights.joined("a") as watch:
            await asyncio.to_thread(work.has_told.wait)
            work.go.set()
            unread = watch.reports(until=asyncio.Event(), silence_s=FOREVER_S)
            return [report async for report in unread]

    assert in_loop(work, scene) == [left, numbers[-1], converting]


def test_silence_is_told_again_and_again() -> None:
    work = Work()

    async def scene(flights: EnsureFlights[str]) -> list[Progress | None]:
        with flights.joined("a") as watch:
            async with aclosing(watch.reports(until=asyncio.Event(), silence_s=0.01)) as reports:
                return [await anext(reports) for _ in range(3)]

    assert in_loop(work, scene) == [None, None, None]


def test_a_watch_ends_when_it_is_told_to_leave() -> None:
    work = Work(downloading(1))

    async def scene(flights: EnsureFlights[str]) -> bool:
        leave = asyncio.Event()
        with flights.joined("a") as watch:
            async for _ in watch.reports(until=leave, silence_s=FOREVER_S):
                leave.set()
            return watch.is_over

    assert in_loop(work, scene) is False


def test_one_weight_too_many_is_refused_with_a_time_to_come_back() -> None:
    work = Work()

    async def play() -> float | None:
        flights = EnsureFlights[str](work, max_flights=1)
        try:
            with (
                flights.joined("a"),
                flights.joined("a"),
                pytest.raises(Exhausted) as caught,
                flights.joined("b"),
            ):
                pass
            return caught.value.retry_after_s
        finally:
            work.go.set()
            flights.close()

    assert asyncio.run(play()) == 5.0


def test_work_goes_on_after_the_loop_is_closed() -> None:
    """A process that stops: the transfer is finished for whoever comes next."""
    work = Work(downloading(1))

    async def leave() -> None:
        flights = EnsureFlights[str](work)
        with flights.joined("a") as watch:
            await first_report(watch)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave())
    loop.close()
    assert work.tell is not None

    work.tell(downloading(2))

    work.go.set()
