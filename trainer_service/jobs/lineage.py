"""Where an exported backbone comes from: the same in its metadata file and in the catalog."""

from pathlib import Path

from catalog_service.models.layout import Lineage
from trainer_service.jobs.dataset_spec import DatasetSpec
from trainer_service.jobs.model import JobModel
from trainer_service.jobs.spec import JobSpec

METHOD = "supervised"


def export_lineage(
    job_id: str, spec: JobSpec, model: JobModel, *, num_images: int, source_digest: str
) -> Lineage:
    """Return the lineage of a job's export.

    Args:
        num_images: in the training set.
        source_digest: `sha256:<hex>` of the exported backbone.safetensors.
    """
    return Lineage(
        parent=model.lineage.parent,
        parent_backbone_digest=model.backbone_digest,
        source_digest=source_digest,
        source_proof="full",
        licence=model.lineage.licence,
        method=METHOD,
        dataset=_dataset_words(spec.dataset),
        num_images=num_images,
        num_epochs=spec.num_epochs,
        train_job=f"trainJobs/{job_id}",
        note=spec.export.note,
    )


def _dataset_words(dataset: DatasetSpec) -> str:
    """Return the data's name; where it lies on this host is nobody else's business."""
    return Path(dataset.path).name if dataset.kind == "image_folder" else "bundled digits"
