"""From a stored file to a stored backbone under canonical names, if it fits the architecture."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from catalog_service.blobs.disk import discard
from catalog_service.blobs.store import BlobInfo, BlobStore
from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.checkpoints.remap import Remap, matched_elements, remap
from catalog_service.errors import InvalidRequest, Precondition, Violation, invalid
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.models.backbone_structure import BackboneStructure
from catalog_service.models.layout import LoadReport, StateLayout
from catalog_service.models.part_report import PartReport, joined
from catalog_service.models.recipe import Recipe
from catalog_service.models.spec_check import check
from catalog_service.reader.read_file import TensorListing, list_tensors, write_tensors
from catalog_service.resolve.backbones import WrittenPart
from catalog_service.resolve.build_plan import plan_on, require_buildable
from catalog_service.resolve.definitions import Definitions
from catalog_service.resolve.origin import Origin
from catalog_service.resolve.registration import Registration
from catalog_service.worker_pool import WorkerPool

MAX_REPORTED = 100
MAX_REPORTED_CHARS = 200
"""How many dropped names and rules a checkpoint's report keeps, and how much of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedBackbone:
    """A backbone in the store, and how it got there."""

    structure: WeightEntry
    backbone_digest: str
    blob: BlobInfo
    report: LoadReport
    source_digest: str

    def checkpoint(self, registration: Registration, *, create_time: float) -> Checkpoint:
        """Return the entry to list."""
        return Checkpoint(
            checkpoint_id=registration.checkpoint_id,
            architecture_id=self.structure.architecture_id,
            structure_of=self.structure.reference,
            backbone_digest=self.backbone_digest,
            blob_digest=self.blob.digest,
            blob_size_bytes=self.blob.size_bytes,
            lineage=replace(
                registration.lineage, source_digest=self.source_digest, source_proof="full"
            ),
            load_report=self.report,
            metrics=registration.metrics,
            mean=registration.mean,
            std=registration.std,
            create_time=create_time,
            structure=registration.structure,
            remedies=registration.remedies,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    structure: WeightEntry
    recipe: Recipe
    remap: Remap
    score: int


class Fitting:
    """Fits uploaded files to architectures."""

    def __init__(self, *, store: BlobStore, pool: WorkerPool, definitions: Definitions) -> None:
        self._store = store
        self._pool = pool
        self._definitions = definitions

    def fit(
        self, registration: Registration, upload: BlobInfo, index: CatalogIndex
    ) -> FittedBackbone:
        """Store the file's backbone under canonical names.

        Args:
            registration: with an architecture.
            upload: the file, as it is stored.

        Raises:
            ArchitectureNotFound, ArchitectureNotBuildable.
            InvalidRequest: the architecture cannot have this structure; nothing has the prefix.
            FileUnreadable: not a tensor file, or it would execute.
            StateMismatch, StateAmbiguous: it does not fit the architecture, or in two ways.
        """
        require_buildable(index.architecture(registration.architecture_id))
        renamed, backbone_out = self._store.new_staging_path(), self._store.new_staging_path()
        path = self._store.path(upload.digest)
        try:
            with _calling((path.name, renamed.name), registration.checkpoint_id):
                listing = _under(list_tensors(path), registration.prefix)
                chosen = self._choose(listing, index, registration)
                write_tensors(path, chosen.remap.names, renamed)
                answer = self._fit(chosen, registration.structure, renamed, backbone_out)
            blob = self._store.commit_staged(backbone_out)
        finally:
            discard(renamed)
            discard(backbone_out)
        part = WrittenPart.from_json(answer)
        layout = self._definitions.layout(chosen.recipe)
        report = joined(layout, part.report.renamed(layout.model_name), PartReport())
        return FittedBackbone(
            structure=chosen.structure,
            backbone_digest=part.digest,
            blob=blob,
            report=_with_remap(report, chosen.remap, listing),
            source_digest=upload.digest,
        )

    def _choose(
        self, listing: TensorListing, index: CatalogIndex, registration: Registration
    ) -> _Candidate:
        """Return the structure of the architecture that fits best; the default where all do."""
        candidates = []
        for weight in _structures(index, registration.architecture_id):
            recipe = self._recipe(weight, index, registration.structure)
            layout = self._definitions.layout(recipe)
            candidates.append(_candidate(weight, recipe, layout, listing))
        return max(candidates, key=lambda candidate: candidate.score)

    def _recipe(
        self, weight: WeightEntry, index: CatalogIndex, structure: BackboneStructure
    ) -> Recipe:
        """Return the recipe of a published structure with what is not as published."""
        if structure.is_published:
            return index.recipe_for(weight.architecture_id, weight)
        spec = structure.definition(weight.architecture_id)
        entry = index.architecture(weight.architecture_id)
        origin = Origin(entry=entry, structure=weight, weight=None, checkpoint=None)
        try:
            plan = plan_on(spec, origin, index, check(spec))
            self._definitions.require_running(plan.recipe, plan.input)
        except InvalidRequest as error:
            raise _in_structure(error) from error
        return plan.recipe

    def _fit(
        self, chosen: _Candidate, structure: BackboneStructure, source: Path, backbone_out: Path
    ) -> dict[str, Any]:
        order = {
            "recipe": chosen.recipe.to_json(),
            "source": str(source),
            "source_recipe": chosen.recipe.to_json(),
            "source_image_px": list(structure.image_px) if structure.image_px else None,
            "rewrite": chosen.remap.rewrite.to_json(),
            "allow_partial": False,
            "backbone_out": str(backbone_out),
        }
        return self._pool.call("fit_backbone", order)


def _in_structure(error: InvalidRequest) -> InvalidRequest:
    """Return what is wrong with a structure under the fields of the registration."""
    return invalid([replace(each, field=f"structure.{each.field}") for each in error.violations])


def _structures(index: CatalogIndex, architecture_id: str) -> list[WeightEntry]:
    """Return one weight for each structure of the architecture, the default's first."""
    by_arguments: dict[str, WeightEntry] = {}
    for weight in index.weights_of(architecture_id):
        by_arguments.setdefault(str(sorted(weight.arguments.items())), weight)
    return list(by_arguments.values())


def _candidate(
    weight: WeightEntry, recipe: Recipe, layout: StateLayout, listing: TensorListing
) -> _Candidate:
    mapped = remap(listing.tensors, layout, weight.family)
    score = matched_elements(mapped, listing.tensors, layout)
    return _Candidate(structure=weight, recipe=recipe, remap=mapped, score=score)


def _under(listing: TensorListing, prefix: str) -> TensorListing:
    """Return the part of a file whose names begin with `prefix`."""
    if not prefix:
        return listing
    tensors = tuple(each for each in listing.tensors if each.name.startswith(prefix))
    if not tensors:
        why = f"no tensor's name begins with {prefix[:100]!r}; IdentifyCheckpoint shows the trees"
        raise invalid([Violation(field="prefix", description=why)])
    return replace(listing, tensors=tensors)


def _with_remap(report: LoadReport, mapped: Remap, listing: TensorListing) -> LoadReport:
    taken = (f"took the state from {listing.taken_from!r}",) if listing.taken_from else ()
    ignored = tuple(f"ignored {item}" for item in listing.ignored)
    return replace(
        report,
        dropped=_cut((*report.dropped, *mapped.dropped)),
        rules=_cut((*taken, *mapped.rules, *report.rules, *ignored)),
    )


def _cut(texts: Sequence[str]) -> tuple[str, ...]:
    """Return what a report keeps: lists of checkpoints carry it and must fit into a message."""
    shown = [text[:MAX_REPORTED_CHARS] for text in texts[:MAX_REPORTED]]
    hidden = len(texts) - len(shown)
    return (*shown, f"and {hidden} more") if hidden else tuple(shown)


@contextmanager
def _calling(file_names: Sequence[str], shown: str) -> Iterator[None]:
    """Call the file in errors by the id that the caller gave it, not by names inside the store."""
    try:
        yield
    except Precondition as error:
        message = error.message
        for name in file_names:
            message = message.replace(name, shown)
        raise Precondition(message, reason=error.error_reason, metadata=error.metadata) from error
