"""Planning, exporting and importing bundles, in numbered steps."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from catalog_service.errors import NotFound, Precondition, Unavailable, VertebraError
from catalog_service.resolve.bundles.entries import BundleItem, Entries, PlannedItem
from catalog_service.resolve.bundles.licences import Terms, TextOf, terms_of, with_texts
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
        references = selected(selection, self.supply)
        planned = [self.entries.planned(reference) for reference in references]
        known = read_manifest(base) if base else Manifest()
        items = [one for one in planned if not _is_in(known, one.reference, one.blob_digest)]
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
        wanted = terms_of((one.licence for one in plan.items), texts)
        given = {**texts, **with_texts(wanted, self.text_of)}
        # 2. Bring it in.
        known = read_manifest(base) if base else Manifest()
        items = []
        for planned in plan.items:
            item = self._brought_in(planned, tell, skipped)
            if item is not None and not _is_in(known, item.reference, item.blob.digest):
                ready(item)
                items.append(item)
        # 3. Say what it is.
        return _exported(items, terms_of((item.licence for item in items), given), base)

    def _brought_in(
        self, planned: PlannedItem, tell: Tell, skipped: Skipped | None
    ) -> BundleItem | None:
        try:
            return self.entries.brought_in(planned.reference, tell)
        except (Precondition, Unavailable, NotFound) as error:
            if skipped is None:
                raise
            failed = Step(location="export", outcome=Outcome.UNREADABLE, detail=error.message)
            skipped(replace(planned, trail=(*planned.trail, failed)), error)
            return None


def _exported(items: list[BundleItem], terms: tuple[Terms, ...], base: bytes) -> Exported:
    manifest = Manifest(
        weights=_of(WeightNumbers, items),
        checkpoints=_of(CheckpointNumbers, items),
        licences=tuple(one.in_manifest for one in terms),
        base_digest=manifest_digest(base) if base else "",
    )
    return Exported(data=manifest.to_bytes(), terms=terms)


def _is_in(known: Manifest, reference: str, digest: str) -> bool:
    """Whether a manifest has these very numbers."""
    return any(one.reference == reference and one.blob_digest == digest for one in known.entries)


def _of(kind: type, items: Iterable[BundleItem]) -> tuple:  # type: ignore[type-arg]
    return tuple(item.numbers for item in items if isinstance(item.numbers, kind))
