"""Work orders for tiny jobs: a random model, a drawn folder, a few steps. Imports torch."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from catalog_service.models.freeze_plan import FreezeMode
from tests.fakes.image_folders import draw_folder
from tests.fakes.job_models import write_job_model
from trainer_service.jobs import DatasetSpec, JobSpec, WorkOrder


def write_tiny_order(
    folder: Path,
    *,
    architecture_id: str = "shufflenet_v2_x0_5",
    freeze: FreezeMode | None = None,
    norm: str = "",
    num_images: int = 10,
    side_px: int = 32,
    head: Mapping[str, Any] | None = None,
    **spec: object,
) -> WorkOrder:
    """Write a model and three classes of images below `folder`; return the order."""
    names = ("blue", "green", "red")
    data = draw_folder(folder / "data", dict.fromkeys(names, num_images))
    model = write_job_model(folder / "model", architecture_id, names, side_px=side_px, head=head)
    job = JobSpec(
        model=model.spec,
        freeze=freeze or FreezeMode(),
        norm=norm,  # type: ignore[arg-type]
        dataset=DatasetSpec(kind="image_folder", path=str(data)),
        num_epochs=2,
        batch_size=8,
    )
    return WorkOrder(
        job_id="job1",
        attempt=1,
        nonce="nonce1",
        spec=replace(job, **spec),  # type: ignore[arg-type]
        model=model,
        export_dir=str(folder / "export"),
        num_threads=1,  # tiny tensors gain nothing from two, and waiting threads cost
        allowed_roots=(str(folder),),
    )
