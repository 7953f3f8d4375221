"""One thread a weight that is brought in, and any number of calls that watch it.

A call that leaves takes nothing away from the others, and none is needed for the work to go on: who
asks next finds it done. Watching costs no thread.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar

from catalog_service.errors import Exhausted
from catalog_service.weights.progress import Progress, Tell

Result = TypeVar("Result")

MAX_FLIGHTS = 32
"""Weights that are brought in at once; each holds a thread that mostly waits."""

MAX_PENDING = 64
"""Reports that a slow reader can be behind; it then misses the oldest."""

RETRY_AFTER_S = 5.0


class EnsureFlights(Generic[Result]):
    """Joins calls by reference. Used from one event loop; only `work` runs in threads.

    Args:
        work: brings a reference in and tells what it does; called once for all who ask meanwhile.
    """

    def __init__(
        self, work: Callable[[str, Tell], Result], *, max_flights: int = MAX_FLIGHTS
    ) -> None:
        self._work = work
        self._max_flights = max_flights
        self._threads = ThreadPoolExecutor(max_flights, thread_name_prefix="ensure")
        self._flights: dict[str, Flight[Result]] = {}

    @contextmanager
    def joined(self, reference: str) -> Iterator["Watch[Result]"]:
        """Yield a watch on the flight for `reference`, started where there is none.

        Args:
            reference: in its one canonical spelling.

        Raises:
            Exhausted: too many other weights are under way.
        """
        flight = self._flights.get(reference) or self._start(reference)
        watch = Watch(flight)
        flight.watches.add(watch)
        try:
            yield watch
        finally:
            flight.watches.discard(watch)

    def close(self) -> None:
        """Start no more flights; those under way end with their process."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _start(self, reference: str) -> "Flight[Result]":
        if len(self._flights) >= self._max_flights:
            raise Exhausted(
                f"{len(self._flights)} other weights are being brought in; come back later",
                retry_after_s=RETRY_AFTER_S,
            )
        flight = self._flights[reference] = Flight[Result]()
        loop = asyncio.get_running_loop()
        flight.run = loop.run_in_executor(
            self._threads, self._work, reference, _from_thread(loop, flight.report)
        )
        flight.run.add_done_callback(lambda _: self._land(reference))
        return flight

    def _land(self, reference: str) -> None:
        flight = self._flights.pop(reference)
        if not flight.run.cancelled():
            flight.run.exception()  # seen, also where every caller has left
        flight.wake()


class Flight(Generic[Result]):
    """A weight being brought in."""

    run: "asyncio.Future[Result]"

    def __init__(self) -> None:
        self.watches: set[Watch[Result]] = set()
        self.latest: Progress | None = None

    def report(self, progress: Progress) -> None:
        """Pass a report on to all who watch."""
        self.latest = progress
        for watch in self.watches:
            watch.put(progress)

    def wake(self) -> None:
        """Have all who watch look again."""
        for watch in self.watches:
            watch.news.set()


class Watch(Generic[Result]):
    """What one call has not told its caller yet."""

    def __init__(self, flight: Flight[Result]) -> None:
        self._flight = flight
        self._pending: deque[Progress] = deque(maxlen=MAX_PENDING)
        self.news = asyncio.Event()
        if flight.latest is not None:
            self.put(flight.latest)

    @property
    def is_over(self) -> bool:
        """Whether `result` has something to say."""
        return self._flight.run.done()

    def result(self) -> Result:
        """Return what the work returned, or raise what it raised."""
        return self._flight.run.result()

    def put(self, progress: Progress) -> None:
        """Keep a report until it is read; mere numbers replace those before them."""
        if self._pending and _is_same_step(self._pending[-1], progress):
            self._pending.pop()
        self._pending.append(progress)
        self.news.set()

    async def reports(
        self, *, until: asyncio.Event, silence_s: float
    ) -> AsyncGenerator[Progress | None, None]:
        """Yield reports until the work is over or `until` is set; None after each silence."""
        leaving = asyncio.ensure_future(until.wait())
        try:
            while not leaving.done():
                self.news.clear()
                while self._pending:
                    yield self._pending.popleft()
                if self.is_over:
                    return
                if not await self._wait(leaving, silence_s):
                    yield None
        finally:
            leaving.cancel()

    async def _wait(self, leaving: "asyncio.Future[Any]", silence_s: float) -> bool:
        """Return whether there are news or it is time to leave, not mere silence."""
        news = asyncio.ensure_future(self.news.wait())
        try:
            done, _ = await asyncio.wait(
                {news, leaving}, timeout=silence_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            news.cancel()
        return bool(done)


def _from_thread(loop: asyncio.AbstractEventLoop, report: Tell) -> Tell:
    def tell(progress: Progress) -> None:
        with suppress(RuntimeError):  # a loop that closed: nobody listens, the work goes on
            loop.call_soon_threadsafe(report, progress)

    return tell


def _is_same_step(before: Progress, now: Progress) -> bool:
    """Whether a report only repeats the step before it with newer numbers."""
    if before.left is not None or now.left is not None:
        return False
    return (before.step, before.location) == (now.step, now.location)
