"""The plan: steps, groups and warnings are functions of values; torch is not needed to plan."""

import subprocess
import sys
from collections.abc import Sequence

import pytest

from catalog_service.errors import InvalidRequest
from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.freeze_plan import FreezeMode
from catalog_service.models.layout import Stage, StateLayout, TensorInfo, layout_digest
from catalog_service.models.spec import ModelSpec
from trainer_service.datasets.inspect import DatasetSummary
from trainer_service.jobs import DatasetSpec, JobSpec, OptimizerSpec, RunSpec, TrainPlan
from trainer_service.plan import train_plan

INPUT = InputContract(height_px=8, width_px=8, mean=(0.5,) * 3, std=(0.5,) * 3)
OUTPUT = OutputContract(shape=(2,), class_names=("a", "b"))
FROZEN = FreezeMode(kind="frozen_backbone")


def tensor(name: str, shape: Sequence[int], role: str, *, is_buffer: bool = False) -> TensorInfo:
    return TensorInfo(name=name, dtype="F32", shape=tuple(shape), role=role, is_buffer=is_buffer)


TENSORS = (
    tensor("conv.weight", (4, 3, 3, 3), "backbone"),
    tensor("bn.weight", (4,), "backbone"),
    tensor("bn.bias", (4,), "backbone"),
    tensor("bn.running_mean", (4,), "backbone", is_buffer=True),
    tensor("bn.num_batches_tracked", (), "backbone", is_buffer=True),
    tensor("fc.weight", (2, 4), "head"),
    tensor("fc.bias", (2,), "head"),
)

LAYOUT = StateLayout(
    tensors=TENSORS,
    stages=(Stage(name="stem", modules=("conv", "bn"), num_parameters=116),),
    head_modules=("fc",),
    replaced_modules=("fc",),
    layout_digest=layout_digest(TENSORS),
)


def plan(
    *,
    counts: tuple[int, int] = (16, 16),
    batch_size: int = 16,
    freeze: FreezeMode | None = None,
    norm: str = "",
    num_devices: int = 1,
) -> TrainPlan:
    """Plan two epochs on a layout of one convolution, one batch norm and a head."""
    spec = JobSpec(
        model=ModelSpec(backbone="tiny"),
        freeze=freeze or FreezeMode(),
        norm=norm,  # type: ignore[arg-type]
        dataset=DatasetSpec(kind="bundled_digits"),
        optimizer=OptimizerSpec(algorithm="sgd", lr=0.1, weight_decay=0.05),
        num_epochs=2,
        batch_size=batch_size,
        run=RunSpec(num_devices=num_devices),
    )
    summary = DatasetSummary(
        class_names=("a", "b"),
        num_train_images=sum(counts),
        num_validation_images=4,
        num_images_per_class=counts,
    )
    return train_plan(spec, LAYOUT, INPUT, OUTPUT, summary)


def test_weights_decay_and_biases_and_norms_do_not() -> None:
    groups = {g.name: (g.weight_decay, g.num_parameters) for g in plan().optimizer_groups}

    assert groups == {"weights": (0.05, 4 * 27 + 8), "biases and norms": (0.0, 4 + 4 + 2)}


def test_frozen_parameters_are_in_no_group() -> None:
    assert [g.num_parameters for g in plan(freeze=FROZEN).optimizer_groups] == [8, 2]


@pytest.mark.parametrize(
    ("num_images", "batch_size", "steps"), [(32, 16, 2), (34, 16, 3), (33, 16, 2), (5, 16, 1)]
)
def test_a_last_batch_of_one_is_dropped_and_no_other(
    num_images: int, batch_size: int, steps: int
) -> None:
    planned = plan(counts=(num_images // 2, num_images - num_images // 2), batch_size=batch_size)

    assert (planned.num_steps_per_epoch, planned.num_steps) == (steps, 2 * steps)
    assert any("last batch of one" in w for w in planned.warnings) == (num_images == 33)


@pytest.mark.parametrize(
    "still", [{"freeze": FROZEN}, {"norm": "frozen_statistics"}, {"norm": "recalibrate"}]
)
def test_nothing_is_dropped_where_no_batch_norm_trains(still: dict[str, object]) -> None:
    planned = plan(counts=(16, 17), **still)  # type: ignore[arg-type]

    assert planned.num_steps_per_epoch == 3
    assert planned.warnings == ()


def test_batches_of_one_with_a_training_batch_norm_are_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"batches of one image.*FROZEN_STATISTICS"):
        plan(batch_size=1)

    assert plan(batch_size=1, freeze=FROZEN).num_steps_per_epoch == 32


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"batch_size": 4}, "1 batch norms train on the statistics of 4 images"),
        ({"counts": (3, 4)}, "7 training images do not fill one batch of 16"),
        ({"counts": (2, 30)}, "between 2 and 30 training images"),
    ],
)
def test_what_is_worth_knowing_is_a_warning(settings: dict[str, object], expected: str) -> None:
    (warning,) = plan(**settings).warnings  # type: ignore[arg-type]

    assert expected in warning


def test_planning_needs_no_torch() -> None:
    """The serving process plans; a torch import would stop it for seconds."""
    program = (
        "import sys, trainer_service.plan, trainer_service.datasets.inspect;"
        "heavy = {'torch', 'PIL', 'sklearn', 'grpc', 'sqlalchemy'} & set(sys.modules);"
        "sys.exit(sorted(heavy) or 0)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_device_sees_its_part_of_every_batch_and_the_plan_says_so() -> None:
    planned = plan(num_devices=2, counts=(40, 40), batch_size=40)

    assert planned.num_devices == 2
    assert planned.micro_batch_size == 20
    assert planned.num_steps == 4
    assert planned.warnings == (
        "1 batch norms see the statistics of 20 images, the part of one of 2 devices, not of the"
        " whole batch of 40",
    )


def test_few_images_a_device_are_noise_to_norms_that_train() -> None:
    (warning,) = plan(num_devices=4, batch_size=32).warnings

    assert "statistics of 8 images" in warning
    assert "larger batches, fewer devices or norm FROZEN_STATISTICS" in warning


def test_devices_without_norms_that_train_change_nothing_but_who_computes() -> None:
    one, two = plan(freeze=FROZEN), plan(num_devices=2, freeze=FROZEN)

    assert two.warnings == one.warnings == ()
    assert two.num_steps == one.num_steps
    assert two.optimizer_groups == one.optimizer_groups


@pytest.mark.parametrize(
    ("num_devices", "batch_size", "freeze", "why"),
    [
        (4, 6, None, "4 devices share batches of 6 images: each needs two images, because"),
        (8, 6, FROZEN, "8 devices share batches of 6 images: each needs one; use batches of at"),
    ],
)
def test_more_devices_than_images_for_them_are_refused(
    num_devices: int, batch_size: int, freeze: FreezeMode | None, why: str
) -> None:
    with pytest.raises(InvalidRequest, match=why) as refusal:
        plan(num_devices=num_devices, batch_size=batch_size, freeze=freeze)

    assert "spec.run.num_devices" in str(refusal.value.violations)


def test_a_last_batch_that_leaves_an_image_alone_is_skipped_where_norms_train() -> None:
    """Three images for two devices: one of them would have a single one."""
    trained = plan(num_devices=2, counts=(18, 17), batch_size=16)
    frozen = plan(num_devices=2, counts=(18, 17), batch_size=16, freeze=FROZEN)

    assert trained.num_steps_per_epoch == 2
    assert "leave a last batch of 3 images for 2 devices; it is skipped" in trained.warnings[0]
    assert frozen.num_steps_per_epoch == 3
