"""A training in memory: a random model, random images, no disk. Imports torch."""

from dataclasses import replace

import torch

from catalog_service.models.contracts import OutputContract
from catalog_service.models.describe import layout_of
from catalog_service.models.freeze_plan import FreezeMode
from catalog_service.models.layout import StateLayout
from catalog_service.models.spec import ModelSpec
from catalog_service.models.tasks import ClassificationTask
from tests.fakes.job_models import input_contract, random_module, recipe_of
from trainer_service.datasets.batches import as_input
from trainer_service.datasets.images import KeptImages
from trainer_service.datasets.inspect import DatasetSummary
from trainer_service.datasets.read import Dataset
from trainer_service.freezing import recalibrate
from trainer_service.jobs import DatasetSpec, JobSpec, OptimizerSpec
from trainer_service.plan import train_plan
from trainer_service.run_job import image_batches
from trainer_service.tasks.table import task_for
from trainer_service.train.loop import Training

CPU = torch.device("cpu")
CLASS_NAMES = ("a", "b", "c")


def random_images(count: int, side_px: int) -> KeptImages:
    """Return noise of three classes."""
    random = torch.Generator().manual_seed(0)
    shape = (count, side_px, side_px, 3)
    return KeptImages(
        labels=torch.arange(count) % len(CLASS_NAMES),
        kept=torch.randint(0, 256, shape, dtype=torch.uint8, generator=random),
    )


def job_spec(
    architecture_id: str = "resnet18",
    *,
    freeze: FreezeMode | None = None,
    norm: str = "",
    batch_size: int = 4,
    optimizer: OptimizerSpec | None = None,
    num_epochs: int = 1,
    **settings: object,
) -> JobSpec:
    """Return a spec with defaults."""
    spec = JobSpec(
        model=ModelSpec(backbone=architecture_id, task=ClassificationTask(class_names=CLASS_NAMES)),
        freeze=freeze or FreezeMode(),
        norm=norm,  # type: ignore[arg-type]
        dataset=DatasetSpec(kind="bundled_digits"),
        optimizer=optimizer or OptimizerSpec(),
        num_epochs=num_epochs,
        batch_size=batch_size,
    )
    return replace(spec, **settings)  # type: ignore[arg-type]


def summary_of(num_train: int, num_validation: int = 3) -> DatasetSummary:
    """Return so many images, spread over three classes."""
    counts = tuple(len(range(label, num_train, 3)) for label in range(3))
    return DatasetSummary(
        class_names=CLASS_NAMES,
        num_train_images=num_train,
        num_validation_images=num_validation,
        num_images_per_class=counts,
    )


def make_training(
    spec: JobSpec, *, num_images: int = 8, side_px: int = 32
) -> tuple[Training, StateLayout]:
    """Return a training on a random model, not frozen yet, and the model's layout."""
    torch.set_num_threads(1)  # tiny tensors gain nothing from two, and waiting threads cost
    recipe = recipe_of(spec.model.backbone, len(CLASS_NAMES))
    model = random_module(recipe)
    layout = layout_of(model, recipe)
    # Statistics that fit the images: with others, signals of a random model die on the way.
    batch = as_input(random_images(8, side_px).kept, input_contract(side_px))
    recalibrate(model, layout, [batch])
    output = OutputContract(shape=(3,), class_names=CLASS_NAMES)
    plan = train_plan(spec, layout, input_contract(side_px), output, summary_of(num_images))
    dataset = Dataset(
        class_names=CLASS_NAMES,
        train=random_images(num_images, side_px),
        validation=random_images(3, side_px),
        fingerprint="sha256:noise",
    )
    return (
        Training(
            model=model,
            task=task_for(plan, CPU),
            batches=image_batches(spec, plan, dataset, CPU),
            spec=spec,
            plan=plan,
            device=CPU,
            layout=layout,
        ),
        layout,
    )
