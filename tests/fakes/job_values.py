"""Small valid values of `trainer_service.jobs`, for tests that need a job but not what is in it."""

from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.freeze_plan import FreezeMode, freeze_plan
from catalog_service.models.layout import LoadReport, Stage, StateLayout, TensorInfo, layout_digest
from catalog_service.models.lineage import Lineage
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.spec import ModelSpec
from catalog_service.models.tasks import ClassificationTask
from trainer_service.jobs import (
    DatasetSpec,
    EpochMetrics,
    ExportSpec,
    JobModel,
    JobSpec,
    OptimizerGroup,
    OptimizerSpec,
    Planned,
    StepMetrics,
    TrainPlan,
)

TENSORS = (
    TensorInfo(name="layer1.weight", dtype="F32", shape=(4, 3), role="backbone"),
    TensorInfo(name="layer2.weight", dtype="F32", shape=(4, 4), role="backbone"),
    TensorInfo(name="fc.weight", dtype="F32", shape=(2, 4), role="head"),
)
LAYOUT = StateLayout(
    tensors=TENSORS,
    stages=(
        Stage(name="layer1", modules=("layer1",), num_parameters=12),
        Stage(name="layer2", modules=("layer2",), num_parameters=16),
    ),
    head_modules=("fc",),
    replaced_modules=("fc",),
    layout_digest=layout_digest(TENSORS),
    backbone_architecture="resnet18",
)
INPUT = InputContract(height_px=32, width_px=32, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
OUTPUT = OutputContract(shape=(2,), class_names=("cat", "dog"))
DIGEST = f"sha256:{'ab' * 32}"


def job_spec(
    *, display_name: str = "pets", register_as: str = "", mode: str = "frozen_backbone"
) -> JobSpec:
    """Return a spec as it is stored: every default filled in."""
    return JobSpec(
        display_name=display_name,
        model=ModelSpec(
            backbone="resnet18",
            pretrained=True,
            task=ClassificationTask(class_names=("cat", "dog")),
        ),
        freeze=FreezeMode(kind=mode),
        dataset=DatasetSpec(kind="image_folder", path="/data/pets"),
        optimizer=OptimizerSpec(),
        num_epochs=2,
        export=ExportSpec(register_as=register_as, note="for a test"),
    )


def job_model(*, backbone_path: str = "/blobs/b", head_path: str = "/blobs/h") -> JobModel:
    """Return a pinned model of two stages and a head."""
    return JobModel(
        spec=job_spec().model,
        spec_digest=DIGEST,
        state_digest=DIGEST,
        backbone_digest=DIGEST,
        layout=LAYOUT,
        recipe=Recipe(builder="torchvision/resnet18", head=classification_head(2)),
        load_report=LoadReport(num_loaded=2, num_expected=3, backbone_coverage=1.0),
        input=INPUT,
        output=OUTPUT,
        lineage=Lineage(parent="torchvision/ResNet18_Weights.IMAGENET1K_V1", licence="BSD-3"),
        backbone_path=backbone_path,
        head_path=head_path,
    )


def train_plan() -> TrainPlan:
    """Return the plan of `job_spec()`."""
    return TrainPlan(
        freeze=freeze_plan(LAYOUT, FreezeMode(kind="frozen_backbone")),
        input=INPUT,
        output=OUTPUT,
        num_train_images=64,
        num_validation_images=16,
        num_steps_per_epoch=2,
        num_steps=4,
        optimizer=OptimizerSpec(),
        optimizer_groups=(
            OptimizerGroup(name="weights", lr=1e-3, weight_decay=0.01, num_parameters=8),
        ),
        warnings=("few images",),
        num_images_per_class=(32, 32),
    )


def planned() -> Planned:
    """Return the event that a worker begins with."""
    return Planned(plan=train_plan())


def step(number: int, *, epoch: int = 1) -> StepMetrics:
    """Return the metrics of step `number`."""
    values = {"loss": 1.0 / number, "lr": 1e-3}
    return StepMetrics(epoch=epoch, step=number, values=values, images_per_s=100.0)


def epoch_metrics(number: int, accuracy: float) -> EpochMetrics:
    """Return the metrics of a validation pass."""
    return EpochMetrics(
        epoch=number, split="validation", values={"accuracy": accuracy}, step=2 * number
    )
