"""The use cases, in numbered steps. Synchronous: the API runs them in threads."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from catalog_service.blobs.store import BlobStore
from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.checkpoints.registry import Registry
from catalog_service.errors import Precondition
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.layout import StateLayout
from catalog_service.models.lineage import Lineage
from catalog_service.models.spec import ModelSpec, spec_digest
from catalog_service.resolve.advice import Advice, Question, advise
from catalog_service.resolve.backbones import Numbers
from catalog_service.resolve.build_plan import BuildPlan, plan_build
from catalog_service.resolve.builds import Builds, ModelParts, StoredState, model_name
from catalog_service.resolve.built_model import BuiltModel, StatePart
from catalog_service.resolve.checkpoint_files import NamedFile
from catalog_service.resolve.definitions import Definitions
from catalog_service.resolve.description import (
    DescribedModel,
    Descriptions,
    Training,
    describe_plan,
)
from catalog_service.resolve.ensure import Ensured
from catalog_service.resolve.explain import Explanation
from catalog_service.resolve.identifying import IdentifiedFile, identify_file
from catalog_service.resolve.input_check import GivenInput, InputCheck, check_input
from catalog_service.resolve.registrar import Registrar
from catalog_service.resolve.registration import Registration
from catalog_service.resolve.single_flight import SingleFlight
from catalog_service.resolve.supply import Supply
from catalog_service.weights.progress import Tell, ignore, say
from catalog_service.weights.search import Search

Built = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Everything that the use cases need."""

    index: CatalogIndex
    store: BlobStore
    registry: Registry
    search: Search
    supply: Supply
    definitions: Definitions
    descriptions: Descriptions
    builds: Builds
    registrar: Registrar
    flights: SingleFlight
    built: Built = lambda _result, _seconds: None
    """Told `reused`, `built` or `failed` for every state that was asked for, and the time of it."""

    def build(self, spec: ModelSpec, *, definition_only: bool, tell: Tell) -> BuiltModel:
        """Return the model that a spec asks for, its state in the store.

        Args:
            tell: called from this thread with what is being done.

        Raises:
            VertebraError: as BuildModel's comment lists.
        """
        # 1. What does the spec mean?
        plan = self._planned(spec, tell)
        say(tell, "resolving", f"{plan.recipe.architecture_id}: reading its layout")
        layout = self.definitions.layout(plan.recipe)
        if definition_only:
            return _built(plan, layout, _lineage(plan))
        # 2. Where are the numbers?
        numbers, lineage = self._numbers(plan, tell)
        # 3. Was it built before?
        key = self.builds.key(plan, layout, numbers)
        state = self.builds.find(key)
        # 4. If not, build it, once for all who ask.
        if state is not None:
            self.built("reused", 0.0)
        else:
            state = self.flights.do(
                key,
                lambda: self._build(key, plan, layout, numbers, tell),
                waiting=lambda: say(tell, "building", "joined another caller's build"),
            )
        say(tell, "storing", "the state is in the store")
        lineage = _with_parent_digest(lineage, plan, state)
        return _with_state(_built(plan, layout, lineage), model_name(key), state)

    def model_parts(self, name: str) -> ModelParts:
        """Return the files of a model that was built here.

        Args:
            name: `models/<64 hex digits>`, as BuiltModel has it.

        Raises:
            ModelNotFound, BlobNotFound: build it again.
            DigestMismatch: the stored bytes changed; they were quarantined.
        """
        return self.builds.parts(name)

    def describe(self, spec: ModelSpec, training: Training) -> DescribedModel:
        """Return what a spec's model looks like, without numbers.

        Raises:
            VertebraError: as DescribeModel's comment lists.
        """
        return describe_plan(self._planned(spec), spec, training, self.descriptions)

    def check_input(self, spec: ModelSpec, given: GivenInput) -> InputCheck:
        """Return what becomes of images of a size in a spec's model.

        Raises:
            VertebraError: as CheckInput's comment lists.
        """
        return check_input(self._plan(spec), given)

    def advise(self, question: Question) -> Advice:
        """Return how to fine-tune for a data set, and which weights to start from.

        Raises:
            VertebraError: as AdviseTransfer's comment lists.
        """
        return advise(
            question,
            self.index,
            is_cached=lambda weight: self.search.cached_state(weight) != "absent",
        )

    def register(self, registration: Registration) -> tuple[Checkpoint, bool]:
        """Return the checkpoint as it is listed now, and whether the request was answered before.

        Raises:
            VertebraError: as RegisterCheckpoint's comment lists.
        """
        return self.registrar.register(registration)

    def identify(self, file: NamedFile, *, max_candidates: int) -> IdentifiedFile:
        """Return what a file may be; nothing is stored.

        Raises:
            VertebraError: as IdentifyCheckpoint's comment lists.
        """
        path = self.registrar.files.find(file)
        return identify_file(path, str(file), max_candidates=max_candidates)

    def delete_checkpoint(self, name: str, request_id: str, *, force: bool) -> Checkpoint:
        """Return a checkpoint as it was before it was taken off the list.

        Raises:
            VertebraError: as DeleteCheckpoint's comment lists.
        """
        return self.registrar.delete(name, request_id, force=force)

    def canonical_reference(self, name: str) -> str:
        """Return the one spelling that stands for all of a weight or checkpoint; as Supply."""
        return self.supply.canonical_reference(name)

    def ensure(self, reference: str, tell: Tell) -> Ensured:
        """Bring a weight or a checkpoint into the store.

        Raises:
            VertebraError: as EnsureWeights' comment lists.
        """
        return self.supply.ensure(reference, tell)

    def explain(self, reference: str, *, probe: bool) -> Explanation:
        """Return where the bytes of a weight or a checkpoint would come from; changes nothing.

        Raises:
            VertebraError: as ExplainWeights' comment lists.
        """
        return self.supply.explain(reference, probe=probe)

    def _planned(self, spec: ModelSpec, tell: Tell = ignore) -> BuildPlan:
        """Return what a spec means; without the modules that it removes, the model runs."""
        plan = self._plan(spec, tell)
        self.definitions.require_running(plan.recipe, plan.input)
        return plan

    def _plan(self, spec: ModelSpec, tell: Tell = ignore) -> BuildPlan:
        return plan_build(spec, self.supply.index_for(spec, tell), self.registry)

    def _numbers(self, plan: BuildPlan, tell: Tell) -> tuple[Numbers, Lineage]:
        if plan.checkpoint is not None:
            checkpoint = self.supply.checkpoint(plan.checkpoint, tell)
            numbers = Numbers(
                blob_digest=checkpoint.blob_digest, image_px=checkpoint.structure.image_px
            )
            return numbers, _lineage(replace(plan, checkpoint=checkpoint))
        lineage = _lineage(plan)
        if plan.weight is None:
            return Numbers(), lineage
        weight = plan.weight
        source = self.supply.weight(weight, tell).source
        numbers = Numbers(
            blob_digest=source.blob_digest,
            recipe=self.index.recipe_for(weight.architecture_id, weight),
            rules=source.rules,
        )
        proven = replace(lineage, source_digest=source.source_digest, source_proof=source.proof)
        return numbers, proven

    def _build(
        self, key: str, plan: BuildPlan, layout: StateLayout, numbers: Numbers, tell: Tell
    ) -> StoredState:
        found = self.builds.find(key)  # another caller's build may have ended a moment ago
        if found is not None:
            return found
        say(tell, "building", f"{plan.recipe.architecture_id}: composing the state")
        began_at, result = time.monotonic(), "failed"
        try:
            state, result = self.builds.build(key, plan, layout, numbers), "built"
            return state
        except Precondition as error:
            raise _named(error, numbers, plan) from error
        finally:
            self.built(result, time.monotonic() - began_at)


def _named(error: Precondition, numbers: Numbers, plan: BuildPlan) -> Precondition:
    """Call the source by the name that the caller used, not by the blob's."""
    blob_name = numbers.blob_digest.removeprefix("sha256:")
    message = error.message.replace(blob_name, plan.spec.weights) if blob_name else error.message
    return Precondition(message, reason=error.error_reason, metadata=error.metadata)


def _lineage(plan: BuildPlan) -> Lineage:
    if plan.checkpoint is not None:
        parent = plan.checkpoint
        return replace(
            parent.lineage, parent=parent.name, parent_backbone_digest=parent.backbone_digest
        )
    if plan.weight is not None:
        return Lineage(parent=plan.weight.reference, licence=plan.weight.licence)
    return Lineage(parent=f"random, seed {plan.spec.seed}")


def _with_parent_digest(lineage: Lineage, plan: BuildPlan, state: StoredState) -> Lineage:
    """A published parent's backbone is the one just built, unless it was loaded in part."""
    if plan.weight is None or state.report.backbone_coverage < 1.0:
        return lineage
    return replace(lineage, parent_backbone_digest=state.backbone_digest)


def _built(plan: BuildPlan, layout: StateLayout, lineage: Lineage) -> BuiltModel:
    """Return a model's definition."""
    return BuiltModel(
        name="",
        spec=plan.spec,
        spec_digest=spec_digest(plan.spec),
        parts=(),
        state_digest="",
        backbone_digest="",
        layout=layout,
        recipe=plan.recipe,
        load_report=None,
        input=plan.input,
        output=plan.output,
        lineage=lineage,
        num_parameters=layout.num_parameters,
        num_backbone_parameters=layout.num_backbone_parameters,
    )


def _with_state(definition: BuiltModel, name: str, state: StoredState) -> BuiltModel:
    """Return a definition with the state that was built for it."""
    return replace(
        definition,
        name=name,
        parts=(
            StatePart(role="backbone", blob=state.backbone),
            StatePart(role="head", blob=state.head),
        ),
        state_digest=state.state_digest,
        backbone_digest=state.backbone_digest,
        load_report=state.report,
    )
