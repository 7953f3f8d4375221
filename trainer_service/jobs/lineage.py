"""Where an exported backbone comes from: the same in its metadata file and in the catalog."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from catalog_service.models.lineage import Lineage
from trainer_service.jobs.dataset_spec import DatasetKind, DatasetSpec
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
    )


def _dataset_words(dataset: DatasetSpec) -> str:
    """Return the data's name; where it lies on this host is nobody else's business."""
    drawn = DRAWN.get(dataset.kind, "")
    is_url = "://" in dataset.path
    path = dataset.path.partition("?")[0] if is_url else dataset.path  # a query may be a key
    return drawn or dataset.name or PurePosixPath(path).name
