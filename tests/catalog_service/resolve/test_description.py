"""What a spec's model looks like: composed models too, remembered, at the right size."""

from pathlib import Path
from typing import cast

import pytest

from catalog_service.checkpoints.registry import Registry
from catalog_service.errors import InvalidRequest
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.spec import ModelSpec
from catalog_service.models.tasks import (
    ClassificationTask,
    DetectionTask,
    FeaturesTask,
    InstanceSegmentationTask,
    SegmentationTask,
)
from catalog_service.resolve import description
from catalog_service.resolve.build_plan import plan_build
from catalog_service.resolve.description import (
    DescribedModel,
    Descriptions,
    describe_plan,
    training_of,
)
from catalog_service.resolve.rendering import draw
from catalog_service.worker_pool import WorkerPool
from tests.fakes.worker_here import InThisProcess

COMPOSED = {
    "faster_rcnn": ModelSpec(backbone="resnet18", task=DetectionTask(num_classes=2)),
    "fcos_bifpn": ModelSpec(
        backbone="resnet18", task=DetectionTask(num_classes=2, head="fcos"), neck="bifpn"
    ),
    "mask_rcnn": ModelSpec(backbone="resnet18", task=InstanceSegmentationTask(num_classes=2)),
    "fcn": ModelSpec(backbone="swin_t", task=SegmentationTask(num_classes=3)),
    "pyramid": ModelSpec(backbone="resnet18", task=FeaturesTask(output="pyramid")),
    "pooled": ModelSpec(backbone="resnet18", task=FeaturesTask()),
    "vit": ModelSpec(backbone="vit_b_32", task=DetectionTask(num_classes=2)),
}
"""One for each head of ours, and a backbone of tokens."""


class Described:
    """Describes specs in this process."""

    def __init__(self, folder: Path) -> None:
        self.worker = InThisProcess()
        self.descriptions = Descriptions(cast(WorkerPool, self.worker))
        self.registry = Registry(f"sqlite:///{folder}/catalog.db")

    def __call__(self, spec: ModelSpec, freeze_mode: str = "frozen_backbone") -> DescribedModel:
        plan = plan_build(spec, CatalogIndex.load(), self.registry)
        training = training_of(spec, freeze_mode=freeze_mode)
        return describe_plan(plan, spec, training, self.descriptions)


@pytest.fixture
def described(tmp_path: Path) -> Described:
    return Described(tmp_path)


@pytest.mark.parametrize("name", COMPOSED)
def test_parts_of_a_composed_model_add_up_and_can_be_drawn(described: Described, name: str) -> None:
    found = described(COMPOSED[name])

    model = found.model
    sizes = [part.num_trainable_parameters + part.num_frozen_parameters for part in model.parts]
    assert sum(sizes) == model.num_parameters
    assert sum(part.num_multiply_adds for part in model.parts) == model.num_multiply_adds
    backbone = [part for part in model.parts if part.role == "backbone"]
    assert not any(part.num_trainable_parameters for part in backbone)
    assert model.feature_maps
    assert "frozen" in draw(found, "svg").content


def test_a_description_is_made_once(described: Described) -> None:
    spec = ModelSpec(backbone="squeezenet1_1", task=ClassificationTask(num_classes=2))

    first, second = described(spec), described(spec)
    described(spec, "full")

    assert first.model is second.model and described.worker.num_calls == 2


def test_what_was_not_asked_for_longest_is_forgotten_first(
    described: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(description, "MAX_KEPT", 2)
    specs = [
        ModelSpec(backbone="squeezenet1_1", task=ClassificationTask(num_classes=count))
        for count in (2, 3, 4)
    ]

    for spec in (specs[0], specs[1], specs[0], specs[2], specs[0]):
        described(spec)
    assert described.worker.num_calls == 3

    described(specs[1])
    assert described.worker.num_calls == 4


def test_a_detector_is_described_at_the_size_that_it_resizes_to(described: Described) -> None:
    found = described(ModelSpec(backbone="fasterrcnn_resnet50_fpn"))

    assert (found.height_px, found.width_px) == (800, 800)
    assert found.model.num_multiply_adds / 1e9 == pytest.approx(134.38, rel=0.01)


def test_another_number_of_channels_is_seen(described: Described) -> None:
    task = ClassificationTask(num_classes=2)
    found = described(ModelSpec(backbone="resnet18", in_channels=5, task=task))

    rows = {module.path: module for module in found.model.modules}
    assert rows["conv1"].inputs == ((1, 5, 224, 224),)


def test_wrong_words_of_a_training_are_named_together() -> None:
    with pytest.raises(InvalidRequest) as caught:
        training_of(ModelSpec(backbone="resnet18"), freeze_mode="x", optimizer="y", batch_size=-1)

    fields = [violation.field for violation in caught.value.violations]
    assert fields == ["optimizer", "batch_size", "freeze_mode"]
