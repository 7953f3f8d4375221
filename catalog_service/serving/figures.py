"""Numbers that are not counted as they happen but asked for: of a database, of a folder.

They are asked for only while somebody scrapes, by one thread, and not more often than each of them
may. A scrape waits for them for a moment, and shows what was known where they take longer: neither
a slow database nor many scrapers make each other slower.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge

WAIT_S = 1.0
"""How long a scrape waits for new figures; Prometheus gives up after ten."""

log = logging.getLogger(__name__)

Ask = Callable[[], None]
"""Asks, and sets gauges. It runs in a thread."""


@dataclass(slots=True)
class _Question:
    name: str
    ask: Ask
    every_s: float
    asked_at: float = float("-inf")


class Figures:
    """The questions of one server.

    Args:
        clock: monotonic seconds.
    """

    def __init__(
        self, registry: CollectorRegistry, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._questions: list[_Question] = []
        self._under_way: asyncio.Task[None] | None = None
        self._failed = Counter(
            "vertebra_figures_failed_total",
            "Questions for the figures of this page that had no answer.",
            ("figures",),
            registry=registry,
        )
        self._time = Gauge(
            "vertebra_figures_timestamp_seconds",
            "When these figures were last asked for, with success.",
            ("figures",),
            registry=registry,
        )

    def add(self, name: str, ask: Ask, *, every_s: float) -> None:
        """Have a question asked before a scrape, at most every so many seconds."""
        self._failed.labels(name)
        self._questions.append(_Question(name, ask, every_s))

    async def refresh(self) -> None:
        """Ask what is due; return when that is done, or its time is over."""
        if self._under_way is None or self._under_way.done():
            due = [each for each in self._questions if self._is_due(each)]
            if not due:
                return
            self._under_way = asyncio.ensure_future(asyncio.to_thread(self._ask_all, due))
        await asyncio.wait({self._under_way}, timeout=WAIT_S)

    def _is_due(self, question: _Question) -> bool:
        return self._clock() - question.asked_at >= question.every_s

    def _ask_all(self, questions: list[_Question]) -> None:
        for question in questions:
            try:
                question.ask()
            except Exception as error:  # whatever it is: the page is shown without
                self._failed.labels(question.name).inc()
                log.warning("no figures of %s: %s", question.name, error)
            else:
                self._time.labels(question.name).set_to_current_time()
            question.asked_at = self._clock()
