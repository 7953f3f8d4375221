"""Small files of a repository, such as its configuration: read whole, from the first location."""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from catalog_service.blobs.store import BlobStore
from catalog_service.weights.copies import Copies, Copy, unreadable
from catalog_service.weights.downloads.disk_room import naming_refusals
from catalog_service.weights.downloads.turns import Turns
from catalog_service.weights.locations.location import ForeignFile, Location, Miss
from catalog_service.weights.progress import Tell
from catalog_service.weights.trail import Outcome, Remedy, Step, failure
from catalog_service.weights.wanted_file import WantedFile

MAX_BYTES = 1 << 20

_SNAPSHOT = re.compile(r".*/snapshots/([0-9a-f]{40})/[^/]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallFile:
    """What a file holds, and the commit that it belongs to; empty where nobody says."""

    data: bytes
    commit: str


class SmallFiles:
    """Reads small files.

    Args:
        locations: in the order in which they are tried.
    """

    def __init__(
        self, *, locations: Sequence[Location], copies: Copies, turns: Turns, store: BlobStore
    ) -> None:
        self._locations = tuple(locations)
        self._copies = copies
        self._turns = turns
        self._store = store

    def read(self, file: WantedFile, remedies: Sequence[Remedy], tell: Tell) -> SmallFile:
        """Return a file; nothing of it is kept.

        Raises:
            WeightsUnavailable, WeightsGated, WeightsUnreachable: with every location tried.
            DiskFull, CacheReadOnly: there is nowhere to put it for a moment.
        """
        steps: list[Step] = []
        limited = replace(file, max_bytes=MAX_BYTES)
        for location in self._locations:
            taken = self._take(location, limited, tell)
            if isinstance(taken, SmallFile):
                return taken
            steps.append(taken.step(location.name))
        raise failure(file.reference, steps, remedies)

    def _take(self, location: Location, file: WantedFile, tell: Tell) -> SmallFile | Miss:
        looked = location.look(file)
        if isinstance(looked, Miss):
            return looked
        if isinstance(looked, ForeignFile):
            return _read(looked.path, _commit(looked.path))
        with ExitStack() as stack, naming_refusals(self._store.root):
            turn = stack.enter_context(
                self._turns.turn(
                    f"{file.reference} {file.path}", waiting=lambda one: tell(one.report())
                )
            )
            taken = self._copies.fetched(looked, file, turn, tell)
            if isinstance(taken, Miss):
                return taken
            stack.callback(self._copies.let_go, taken)
            return _read(taken.path, _downloaded_commit(taken))


def _downloaded_commit(copy: Copy) -> str:
    return copy.downloaded.commit if copy.downloaded else ""


def _commit(path: Path) -> str:
    found = _SNAPSHOT.fullmatch(path.as_posix())
    return found[1] if found else ""


def _read(path: Path, commit: str) -> SmallFile | Miss:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return unreadable(str(path), error)
    if len(data) > MAX_BYTES:
        detail = f"{path.name} has more than {MAX_BYTES} bytes"
        return Miss(detail=detail, outcome=Outcome.UNREADABLE, place=str(path))
    return SmallFile(data=data, commit=commit)
