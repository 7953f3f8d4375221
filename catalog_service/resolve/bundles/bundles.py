"""Planning and exporting bundles, in numbered steps."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from catalog_service.blobs.disk import CacheReadOnly
from catalog_service.errors import Corrupt, NotFound, Precondition, Unavailable, VertebraError
from catalog_service.resolve.bundles.entries import BundleItem, Entries, PlannedItem
from catalog_service.resolve.bundles.licences import (
    LicenceTextMissing,
    Terms,
    TextOf,
    terms_of,
    with_texts,
)
from catalog_service.resolve.bundles.manifest import (
    CheckpointNumbers,
    Manifest,
    WeightNumbers,
    manifest_digest,
    read_manifest,
)
from catalog_service.resolve.bundles.selection import Selection, selected
from catalog_service.resolve.supply import Supply
from catalog_service.weights.progress import Tell
from catalog_service.weights.trail import Outcome, Step

Ready = Callable[[BundleItem], None]
"""Takes an item whose blob is in the store."""

Skipped = Callable[[PlannedItem, VertebraError], None]

NOT_TO_BE_HAD = (Precondition, Unavailable, NotFound, Corrupt)
"""What another try at another entry may not meet; a full or a read-only disk it would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundlePlan:
    """What a bundle would hold.

    Attributes:
        num_in_base: left out, because the earlier bundle has it.
    """

    items: tuple[PlannedItem, ...]
    terms: tuple[Terms, ...]
    num_in_base: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A manifest, and what goes beside it."""

    data: bytes
    terms: tuple[Terms, ...]

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the manifest."""
        return manifest_digest(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundles:
    """What a site hands to another one.

    Attributes:
        text_of: licences' texts, as publishers have them.
    """

    supply: Supply
    entries: Entries
    text_of: TextOf

    def plan(self, selection: Selection, base: bytes) -> BundlePlan:
        """Return what a bundle would hold; nothing is fetched.

        Args:
            base: manifest of an earlier bundle; empty for none.

        Raises:
            VertebraError: as PlanBundle's comment lists.
        """
        known = _known(base)
        references = selected(selection, self.supply)
        planned = [self.entries.planned(reference) for reference in references]
        items = [one for one in planned if not known.has(one)]
        return BundlePlan(
            items=tuple(items),
            terms=terms_of((one.licence for one in items), {}),
            num_in_base=len(planned) - len(items),
        )

    def export(
        self,
        selection: Selection,
        base: bytes,
        texts: Mapping[str, str],
        *,
        tell: Tell,
        ready: Ready,
        skipped: Skipped | None,
    ) -> Exported:
        """Bring a selection into the store and return its manifest.

        Args:
            texts: licence -> text, for those that must be passed on.
            ready: called with each item when its blob is there.
            skipped: called with what cannot be had; None: that fails the export.

        Raises:
            VertebraError: as ExportBundle's comment lists.
        """
        # 1. What is wanted, and may it be passed on?
        plan = self.plan(selection, base)
        given = dict(texts)
        wanted = [one for one in plan.items if self._may_travel(one, plan, given, skipped)]
        # 2. Bring it in.
        known, items = _known(base), dict[str, BundleItem]()
        for planned in wanted:
            item = self._brought_in(planned, tell, skipped)
            if item is None or item.licence in selection.exclude_licences or known.holds(item):
                continue
            if item.reference in items:
                item = _joined(items[item.reference], item)
            items[item.reference] = item
            ready(item)
        # 3. Say what it is.
        given |= with_texts(terms_of((one.licence for one in items.values()), given), self.text_of)
        return _exported(items.values(), given, base)

    def _may_travel(
        self,
        planned: PlannedItem,
        plan: BundlePlan,
        given: dict[str, str],
        skipped: Skipped | None,
    ) -> bool:
        """Return whether the text that must go along is there, and note it in `given`."""
        terms = [one for one in plan.terms if one.licence == planned.licence]
        if planned.licence in given:
            return True
        try:
            given |= with_texts(terms, self.text_of)
        except LicenceTextMissing as error:
            if skipped is None:
                raise
            skipped(_failed(planned, error), error)
            return False
        return True

    def _brought_in(
        self, planned: PlannedItem, tell: Tell, skipped: Skipped | None
    ) -> BundleItem | None:
        try:
            return self.entries.brought_in(planned.reference, tell)
        except NOT_TO_BE_HAD as error:
            if skipped is None or isinstance(error, CacheReadOnly):
                raise
            skipped(_failed(planned, error), error)
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What an earlier bundle has: references with their blobs and their published files."""

    blobs: frozenset[tuple[str, str]]
    files: frozenset[tuple[str, str]]

    def has(self, planned: PlannedItem) -> bool:
        """Whether these very numbers are there; what is not stored is known by its file's name."""
        if planned.blob_digest:
            return (planned.reference, planned.blob_digest) in self.blobs
        return bool(planned.pinned_file) and (
            (planned.reference, planned.pinned_file) in self.files
        )

    def holds(self, item: BundleItem) -> bool:
        """Whether these very numbers are there."""
        return (item.reference, item.blob.digest) in self.blobs


def _known(base: bytes) -> _Known:
    manifest = read_manifest(base) if base else Manifest()
    entries = manifest.entries
    return _Known(
        blobs=frozenset(
            (name, one.blob_digest)
            for one in entries
            for name in (one.reference, *getattr(one, "asked", ()))
        ),
        files=frozenset((one.reference, one.file_name) for one in manifest.weights),
    )


def _failed(planned: PlannedItem, error: VertebraError) -> PlannedItem:
    """Return an item with what became of it at the end of its trail."""
    step = Step(location="export", outcome=Outcome.UNREADABLE, detail=error.message)
    return replace(planned, trail=(*planned.trail, step))


def _joined(first: BundleItem, second: BundleItem) -> BundleItem:
    """Return one item for two references of the same numbers."""
    assert isinstance(first.numbers, WeightNumbers)
    assert isinstance(second.numbers, WeightNumbers)
    asked = tuple(sorted({*first.numbers.asked, *second.numbers.asked}))
    repository = first.numbers.repository or second.numbers.repository
    return replace(first, numbers=replace(first.numbers, asked=asked, repository=repository))


def _exported(items: Iterable[BundleItem], given: Mapping[str, str], base: bytes) -> Exported:
    numbers = [item.numbers for item in items]
    terms = terms_of((one.licence for one in numbers), given)
    manifest = Manifest(
        weights=tuple(one for one in numbers if isinstance(one, WeightNumbers)),
        checkpoints=tuple(one for one in numbers if isinstance(one, CheckpointNumbers)),
        licences=tuple(one.in_manifest for one in terms),
        base_digest=manifest_digest(base) if base else "",
    )
    return Exported(data=manifest.to_bytes(), terms=terms)
