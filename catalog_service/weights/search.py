"""The search for a weight's bytes: location after location, until one proves right."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from catalog_service.blobs.store import BlobStore
from catalog_service.errors import VertebraError
from catalog_service.index.entries import WeightEntry
from catalog_service.weights.collection import Collected, Collection
from catalog_service.weights.copies import unreadable
from catalog_service.weights.downloads.disk_room import naming_refusals
from catalog_service.weights.downloads.turns import Turn, Turns
from catalog_service.weights.locations.location import (
    ForeignFile,
    Location,
    Miss,
    RemoteFiles,
    Source,
)
from catalog_service.weights.locations.store import Store
from catalog_service.weights.probe import seen
from catalog_service.weights.progress import Progress, Tell
from catalog_service.weights.remedies import Remedies
from catalog_service.weights.sources.published_file import published_file
from catalog_service.weights.trail import Remedy, Step, failure, hit, with_trail
from catalog_service.weights.wanted_file import WantedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A weight's proven bytes, and how they were found."""

    source: Source
    trail: tuple[Step, ...]


Tried = Callable[[Sequence[Step]], None]


class Search:
    """Finds, proves and converts published weights.

    Args:
        locations: in the order in which they are tried, behind our own store.
        own: where conversions are remembered.
        store: where converted blobs go.
        collection: gets a weight's files from one location and converts them.
        turns: who may fetch; over all processes with this store.
        remedies: for the error when nothing is found.
    """

    def __init__(
        self,
        *,
        locations: Sequence[Location],
        own: Store,
        store: BlobStore,
        collection: Collection,
        turns: Turns,
        remedies: Remedies,
    ) -> None:
        self.tried: Tried = lambda _trail: None
        """Told the trail of every search, when it is over."""
        self._locations = tuple(locations)
        self._own = own
        self._store = store
        self._collection = collection
        self._turns = turns
        self._remedies = remedies

    def find(self, weight: WeightEntry, tell: Tell) -> Found:
        """Return the weight's converted bytes.

        Raises:
            WeightsUnavailable: no location has them; the message has the whole trail.
            WeightsGated: the publisher does not hand them to us.
            WeightsUnreachable: a location that may have them does not answer.
            EveryCopyCorrupt: there were copies, all with other bytes than published.
            FileUnreadable, NamesCollide: the published file cannot be converted.
            DiskFull, CacheReadOnly: there is nowhere to put them.
        """
        looked = self._own.look(weight)
        if isinstance(looked, Source):
            self.tried(trail := (hit(self._own.name),))
            return Found(source=looked, trail=trail)
        steps = [_left(self._own.name, looked, tell)]
        remedies = self.remedies(weight)
        try:
            source = self._search(weight, tell, steps)
        except VertebraError as error:
            raise with_trail(error, weight.reference, steps, remedies) from error.__cause__
        finally:
            self.tried(steps)
        if source is None:
            raise failure(weight.reference, steps, remedies)
        return Found(source=source, trail=tuple(steps))

    def look(self, weight: WeightEntry, *, probe: bool = False) -> tuple[Step, ...]:
        """Return what every location would say, in their order, also behind the first hit.

        Args:
            probe: ask remote locations for headers.
        """
        own = self._own.look(weight)
        first = hit(self._own.name) if isinstance(own, Source) else own.step(self._own.name)
        file = self.wanted(weight)
        looked = (
            seen(place, file, self._collection.copies, probe=probe) for place in self._locations
        )
        return (first, *looked)

    def wanted(self, weight: WeightEntry) -> WantedFile:
        """Return a weight's file, with all that is known about its bytes."""
        return self._collection.copies.wanted(published_file(weight))

    def expected_proof(self, weight: WeightEntry) -> str:
        """Return what right bytes will be proven by: `full`, `prefix`, `first_use` or nothing."""
        return self._collection.copies.expected_proof(published_file(weight))

    def remedies(self, weight: WeightEntry) -> tuple[Remedy, ...]:
        """Return what to do where no location has a weight."""
        return self._remedies.of(weight, published_file(weight))

    def cached_state(self, weight: WeightEntry) -> str:
        """Return `stored`, `local_file` or `absent`, without reading a file."""
        if self._own.has(weight):
            return "stored"
        file = published_file(weight)
        looked = (place.look(file) for place in self._locations)
        return "local_file" if any(isinstance(f, ForeignFile) for f in looked) else "absent"

    def _search(self, weight: WeightEntry, tell: Tell, steps: list[Step]) -> Source | None:
        """Try location after location; `steps` grows by each, the hit included."""
        turn: Turn | None = None
        with ExitStack() as stack:
            for location in self._locations:
                if turn is None and isinstance(location.look(self.wanted(weight)), RemoteFiles):
                    turn = self._turn(stack, weight, tell)
                    stored = self._own.look(weight)  # who had the turn before has brought it in
                    if isinstance(stored, Source):
                        steps.append(hit(self._own.name))
                        return stored
                collected = self._collect(location, weight, turn, tell)
                if isinstance(collected, Collected):
                    self._own.remember(weight, collected.source)
                    steps.append(hit(location.name, collected.place))
                    return collected.source
                steps.append(_left(location.name, collected, tell))
        return None

    def _turn(self, stack: ExitStack, weight: WeightEntry, tell: Tell) -> Turn:
        """Wait for the turn to fetch a weight: one holder over all processes; held by `stack`."""
        with naming_refusals(self._store.root):
            return stack.enter_context(
                self._turns.turn(weight.reference, waiting=lambda one: tell(one.report()))
            )

    def _collect(
        self, location: Location, weight: WeightEntry, turn: Turn | None, tell: Tell
    ) -> Collected | Miss:
        try:
            return self._collection.from_location(location, weight, turn, tell)
        except OSError as error:
            return unreadable(location.name, error)


def _left(location: str, miss: Miss, tell: Tell) -> Step:
    """Return the step of a location that is left, and say so."""
    step = miss.step(location)
    tell(Progress(step="resolving", text=str(step), location=location, left=step))
    return step
