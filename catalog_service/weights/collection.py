"""All files of one weight from one location, made into one blob of our store."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from catalog_service.blobs.safetensors_file import MalformedSafetensors
from catalog_service.blobs.store import BlobStore
from catalog_service.errors import Precondition
from catalog_service.index.entries import WeightEntry
from catalog_service.reader.unreadable import FileUnreadable
from catalog_service.weights.conversion import Converted, PartsDiffer, convert, store_as_published
from catalog_service.weights.copies import Copies, Copy
from catalog_service.weights.downloads.turns import Turn
from catalog_service.weights.file_names import NamesUnknown
from catalog_service.weights.locations.location import ForeignFile, Location, Miss, Source
from catalog_service.weights.progress import Progress, Tell
from catalog_service.weights.published_layouts import NamesCollide
from catalog_service.weights.sharing import Sharing
from catalog_service.weights.sources.published_file import (
    beside,
    forms,
    is_shard_index,
    published_file,
)
from catalog_service.weights.sources.shards import (
    MAX_INDEX_BYTES,
    MalformedShardIndex,
    ShardIndex,
    shard_index,
)
from catalog_service.weights.sources.timm_dinov3 import foreign_layout
from catalog_service.weights.trail import Outcome
from catalog_service.weights.wanted_file import WantedFile

UNUSABLE = (
    FileUnreadable,
    MalformedSafetensors,
    MalformedShardIndex,
    NamesCollide,
    NamesUnknown,
    PartsDiffer,
)
"""What conversion says of files that it cannot use."""

PROOFS = ("first_use", "prefix", "full")
"""The weakest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """A weight's numbers in our store, and the file or URL that they came from."""

    source: Source
    place: str


class Collection:
    """Collects weights from locations.

    Args:
        copies: gets single files.
        store: where blobs go.
        sharing: the cache that downloads are put into as well.
    """

    def __init__(self, *, copies: Copies, store: BlobStore, sharing: Sharing) -> None:
        self.copies = copies
        self._store = store
        self._sharing = sharing

    def from_location(
        self, location: Location, weight: WeightEntry, turn: Turn | None, tell: Tell
    ) -> Collected | Miss:
        """Return the weight, whole, as this location has it; in parts where it is in parts.

        Args:
            turn: to fetch it; without one, nothing may be fetched.

        Raises:
            FileUnreadable, NamesCollide, ...: the files are the published ones, beyond doubt, and
                cannot be converted.
            DiskFull, CacheReadOnly: there is nowhere to put it.
            OSError: a file of this host cannot be read.
        """
        visit = _Visit(location=location, weight=weight, copies=self.copies, turn=turn, tell=tell)
        with visit:
            parts = visit.parts()
            return parts if isinstance(parts, Miss) else self._converted(visit, parts)

    def _converted(self, visit: "_Visit", parts: "_Parts") -> Collected | Miss:
        visit.say("converting", "reading tensors into canonical names")
        try:
            converted = self._convert(visit, parts)
        except UNUSABLE as error:
            named = _named(error, parts.copies)
            if parts.proof != PROOFS[0]:
                raise named from error
            return Miss(detail=named.message, outcome=Outcome.UNREADABLE, place=parts.place)
        changed = [copy.place for copy in parts.copies if copy.has_changed]
        if changed:
            detail = f"{changed[0]} changed while it was read"
            return Miss(detail=detail, outcome=Outcome.UNREADABLE, place=changed[0])
        for copy in parts.copies:
            self.copies.trust(copy)
            self._sharing.put(copy)
        source = Source(
            blob_digest=converted.blob.digest,
            source_digest=parts.digest,
            proof=parts.proof,
            rules=converted.rules,
            ignored=converted.ignored,
            non_finite=converted.non_finite,
        )
        return Collected(source=source, place=parts.place)

    def _convert(self, visit: "_Visit", parts: "_Parts") -> Converted:
        if visit.weight.is_quantized:
            [copy] = parts.copies
            return store_as_published(copy.path, self._store, digest=copy.proof.digest)
        return convert(
            [copy.path for copy in parts.copies],
            visit.weight.family,
            self._store,
            shards=parts.shards,
            layout=foreign_layout(visit.weight),
            written=visit.written,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """All files of a weight, proven.

    Attributes:
        copies: one, or all parts in the order of `shards.files`.
        shards: the index of the parts; None for a weight in one file.
    """

    copies: tuple[Copy, ...]
    shards: ShardIndex | None = None

    @property
    def place(self) -> str:
        return self.copies[0].place

    @property
    def proof(self) -> str:
        """The weakest of all."""
        return min((copy.proof.kind for copy in self.copies), key=PROOFS.index)

    @property
    def digest(self) -> str:
        """The sha256 of the file; of many, that of their list as sha256sum writes it."""
        if self.shards is None:
            return self.copies[0].proof.digest
        lines = (f"{copy.proof.digest[7:]}  {copy.file.path}\n" for copy in self.copies)
        return f"sha256:{sha256(''.join(lines).encode()).hexdigest()}"


class _Visit:
    """One location, asked for the files of one weight. What was fetched goes when it is over."""

    def __init__(
        self,
        *,
        location: Location,
        weight: WeightEntry,
        copies: Copies,
        turn: Turn | None,
        tell: Tell,
    ) -> None:
        self.weight = weight
        self._location = location
        self._copies = copies
        self._turn = turn
        self._tell = tell
        self._stack = ExitStack()

    def __enter__(self) -> "_Visit":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def parts(self) -> _Parts | Miss:
        """Return all files of the weight in the first form in which they are here."""
        missed: Miss | None = None
        for form in forms(self._copies.wanted(published_file(self.weight))):
            taken = self._take(form)
            if isinstance(taken, Copy):
                return self._all_of(taken)
            missed = missed or taken
            if taken.outcome is not Outcome.ABSENT:
                return taken
        assert missed is not None, "a weight has a file"
        return missed

    def say(self, step: str, text: str, done: int = 0, total: int = 0) -> None:
        """Report to those who wait, here and in other processes."""
        progress = Progress(
            step=step,
            text=f"{self.weight.file_name}: {text}",
            location=self._location.name,
            bytes_done=done,
            bytes_total=total,
        )
        if self._turn is not None:
            self._turn.note(progress)
        self._tell(progress)

    def written(self, done: int, total: int) -> None:
        """Report how far the conversion is."""
        self.say("converting", "writing tensors under canonical names", done, total)

    def _all_of(self, copy: Copy) -> _Parts | Miss:
        if not is_shard_index(copy.file):
            return _Parts(copies=(copy,))
        try:
            shards = shard_index(_beginning(copy.path))
        except MalformedShardIndex as error:
            detail = f"{copy.place}: {error.message}"
            return Miss(detail=detail, outcome=Outcome.UNREADABLE, place=copy.place)
        commit = copy.downloaded.commit if copy.downloaded else ""
        copies = []
        for name in shards.files:
            part = beside(published_file(self.weight), name, commit=commit)
            taken = self._take(self._copies.wanted(part))
            if isinstance(taken, Miss):
                return replace(taken, detail=f"part {name} of {len(shards.files)}: {taken.detail}")
            copies.append(taken)
        return _Parts(copies=tuple(copies), shards=shards)

    def _take(self, file: WantedFile) -> Copy | Miss:
        looked = self._location.look(file)
        if isinstance(looked, Miss):
            return looked
        if isinstance(looked, ForeignFile):
            return self._copies.in_place(looked, file, self._tell)
        assert self._turn is not None, "nothing is fetched out of turn"
        taken = self._copies.fetched(looked, file, self._turn, self._tell)
        if isinstance(taken, Copy):
            self._stack.callback(self._copies.let_go, taken)
        return taken


def _beginning(path: Path) -> bytes:
    """Return an index, or more of a file than an index may have: servers choose what they send."""
    with path.open("rb") as file:
        return file.read(MAX_INDEX_BYTES + 1)


def _named(error: Precondition, copies: Sequence[Copy]) -> Precondition:
    """Call the files in an error by their places: those of downloads have names of our own."""
    message = error.message
    for copy in copies:
        if copy.downloaded is not None:
            message = message.replace(copy.path.name, copy.place)
    return Precondition(message, reason=error.error_reason, metadata=error.metadata)
