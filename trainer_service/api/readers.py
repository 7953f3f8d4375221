"""Who reads events now, and how far behind the last of them is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from prometheus_client import CollectorRegistry, Gauge


class Reader(Protocol):
    """One stream of one job's events."""

    @property
    def lag_events(self) -> int:
        """How many events it has not taken."""
        ...

    @property
    def lag_s(self) -> float:
        """Since when it is not up to date."""
        ...


class Readers:
    """All streams of this process."""

    def __init__(self) -> None:
        self._readers: set[Reader] = set()

    @asynccontextmanager
    async def watching(self, reader: Reader) -> AsyncIterator[None]:
        """Know a reader for as long as it reads."""
        self._readers.add(reader)
        try:
            yield
        finally:
            self._readers.remove(reader)

    def show(self, registry: CollectorRegistry) -> None:
        """Show them on a metrics page, looked at when it is read."""
        name = "vertebra_trainer"
        watchers = Gauge(f"{name}_watchers", "Streams of events.", registry=registry)
        watchers.set_function(lambda: len(self._readers))
        events = Gauge(
            f"{name}_watcher_lag_events", "Of the stream that is most behind.", registry=registry
        )
        events.set_function(lambda: max((one.lag_events for one in self._readers), default=0))
        seconds = Gauge(
            f"{name}_watcher_lag_seconds", "Of the stream longest behind.", registry=registry
        )
        seconds.set_function(lambda: max((one.lag_s for one in self._readers), default=0.0))
