"""Where an exported backbone comes from: the same in its metadata file and in the catalog."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import PurePosixPath

from catalog_service.models.lineage import Lineage
from trainer_service.jobs.dataset_spec import DatasetKind, DatasetSpec
from trainer_service.jobs.learning_spec import AugmentationStep, LrRule
from trainer_service.jobs.model import JobModel
from trainer_service.jobs.plan import TrainPlan
from trainer_service.jobs.spec import JobSpec

METHODS: Mapping[str, str] = {"simclr": "simclr"}
"""Kind of a job -> how it learns; all others learn from what people say of the images."""

DRAWN: Mapping[DatasetKind, str] = {
    "bundled_digits": "bundled digits",
    "drawn_scenes": "drawn scenes",
    "cluttered_digits": "cluttered digits",
}
"""Data sets that lie nowhere."""

UNKNOWN_LICENCE = "unknown"

LR_RULES: Mapping[LrRule, str] = {
    "absolute": "",
    "per_256_images": "linear",
    "square_root": "sqrt",
}
"""How the learning rate follows the batch size -> the word of a lineage."""


def export_lineage(
    job_id: str,
    spec: JobSpec,
    model: JobModel,
    *,
    plan: TrainPlan | None,
    epoch: int,
    source_digest: str,
) -> Lineage:
    """Return the lineage of a job's export.

    Args:
        plan: has the number of images; None where the worker told none.
        epoch: whose numbers were exported; 0 means all that were planned.
        source_digest: `sha256:<hex>` of the exported backbone.safetensors.
    """
    planned_epochs = plan.num_epochs if plan is not None and plan.num_epochs else spec.num_epochs
    return Lineage(
        parent=model.lineage.parent,
        parent_backbone_digest=model.backbone_digest,
        source_digest=source_digest,
        source_proof="full",
        licence=model.lineage.licence or UNKNOWN_LICENCE,
        method=METHODS.get(spec.kind, "supervised"),
        dataset=_dataset_words(spec.dataset),
        num_images=plan.num_train_images if plan is not None else 0,
        num_epochs=epoch or planned_epochs,
        train_job=f"trainJobs/{job_id}",
        note=spec.export.note,
        loss=plan.loss.kind if plan is not None else spec.loss.kind,
        augmentations=tuple(_step_words(step) for step in spec.augmentation),
        optimizer=spec.optimizer.algorithm,
        learning_rate=spec.optimizer.lr,
        lr_rule=LR_RULES[spec.optimizer.lr_rule],
        batch_size=spec.batch_size,
    )


def _step_words(step: AugmentationStep) -> str:
    """Return a random change and its unusual numbers: `shift max_share 0.1`."""
    usual = AugmentationStep(kind=step.kind)
    names = [each.name for each in fields(step) if each.name != "kind"]
    told = [
        f"{name} {_number_words(getattr(step, name))}"
        for name in names
        if getattr(step, name) != getattr(usual, name)
    ]
    return " ".join((step.kind, *told))


def _number_words(value: float | tuple[float, float]) -> str:
    numbers = value if isinstance(value, tuple) else (value,)
    return "-".join(f"{number:g}" for number in numbers)


def _dataset_words(dataset: DatasetSpec) -> str:
    """Return the data's name; where it lies on this host is nobody else's business."""
    drawn = DRAWN.get(dataset.kind, "")
    is_url = "://" in dataset.path
    path = dataset.path.partition("?")[0] if is_url else dataset.path  # a query may be a key
    return drawn or dataset.name or PurePosixPath(path).name
