"""What is drawn here: the same everywhere, true for every task, no handwriting in both splits."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.trainer_service.datasets.conftest import ReadData
from trainer_service.datasets import cluttered_digits as cluttered_module
from trainer_service.datasets.cluttered_digits import cluttered_digits
from trainer_service.datasets.drawn_pictures import Dice
from trainer_service.datasets.drawn_scenes import SHAPES, Shape, drawn_scenes
from trainer_service.datasets.inspect import inspect
from trainer_service.datasets.truths import Masks
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid
from trainer_service.jobs import DatasetSpec
from trainer_service.jobs.dataset_spec import DrawnSource

SCENES = DatasetSpec(kind="drawn_scenes", drawn=DrawnSource(num_images=30, side_px=32))
DIGITS = DatasetSpec(kind="cluttered_digits", drawn=DrawnSource(num_images=40, side_px=32))


def test_dice_do_not_depend_on_how_they_are_thrown() -> None:
    one_by_one, together = Dice(1, 2), Dice(1, 2)

    single = [float(one_by_one.uniform(1)[0]) for _ in range(200)]

    assert np.array_equal(single, together.uniform(200))
    assert not np.array_equal(single, Dice(1, 3).uniform(200))


def test_scenes_are_the_same_on_every_machine() -> None:
    """A fingerprint that was written once must mean the same data after any refactor."""
    picture = drawn_scenes(SCENES, DataWants()).train.pictures.open(3)

    pixels = np.asarray(picture.image)
    assert hashlib.sha256(pixels.tobytes()).hexdigest()[:16] == "1d1158aa2e723da5"


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("size", [1, 2, 7, 8])
def test_boxes_are_tight(kind: str, size: int) -> None:
    shape = Shape(kind=SHAPES.index(kind), left=3, top=5, size=size)

    rows, columns = shape.mask(20, 20).nonzero()

    assert (columns.min(), columns.max() + 1) == (3, 3 + size)
    assert (rows.min(), rows.max() + 1) == (5, 5 + size)


@pytest.mark.parametrize(
    ("task", "dtype", "shape"),
    [
        ("classification", torch.int64, (4,)),
        ("multilabel", torch.float32, (4, 3)),
        ("regression", torch.float32, (4, 3)),
        ("segmentation", torch.int64, (4, 16, 16)),
        ("simclr", torch.int64, (4,)),
    ],
)
def test_scenes_teach_every_task(
    read_data: ReadData, task: str, dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    targets = read_data(SCENES, task=task).train.targets(np.arange(4))

    assert (targets.dtype, tuple(targets.shape)) == (dtype, shape)


def test_scenes_teach_detectors(read_data: ReadData) -> None:
    dataset = read_data(SCENES, task="instance_segmentation")

    for target, pixels in zip(
        dataset.train.targets(np.arange(8)), dataset.train.pixels(np.arange(8)), strict=True
    ):
        assert pixels.shape == (32, 32, 3)
        assert len(target["labels"]) == len(target["boxes"]) == len(target["masks"]) > 0
        for box, mask in zip(target["boxes"], target["masks"], strict=True):
            rows, columns = mask.nonzero(as_tuple=True)
            assert box.tolist() == [
                *(columns.min(), rows.min()),
                *(columns.max() + 1, rows.max() + 1),
            ]


def test_points_are_of_one_class_unless_the_model_has_three(read_data: ReadData) -> None:
    dataset = read_data(SCENES, task="keypoints", class_names=("person",), num_points=4)

    target = dataset.train.targets(np.arange(1))[0]
    assert dataset.class_names == ("person",)
    assert target["keypoints"].shape[1:] == (4, 3)
    assert read_data(SCENES, task="keypoints", class_names=SHAPES).class_names == SHAPES
    with pytest.raises(DataInvalid, match="4 points an object"):
        read_data(SCENES, task="keypoints", num_points=17)


@pytest.mark.parametrize("spec", [SCENES, DIGITS])
def test_what_inspection_says_is_what_reading_finds(spec: DatasetSpec, read_data: ReadData) -> None:
    """Masks' classes are known without drawing a pixel; here all pixels are looked at."""
    summary = inspect(spec, DataWants(task="segmentation"), ())
    report = read_data(spec, task="segmentation").report

    found = tuple(each.num_train_images for each in report.classes)
    announced = summary.num_images_per_class
    assert all(abs(one - other) <= 1 for one, other in zip(found, announced, strict=True))
    assert summary.num_train_images == report.num_train_images


def test_no_handwriting_is_in_both_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stroke of a scene comes from its split's writers, whose images nobody else wrote."""
    asked = []
    writers = cluttered_module._handwritings

    def handwritings(is_validation: bool) -> object:
        asked.append(is_validation)
        return writers(is_validation)

    monkeypatch.setattr(cluttered_module, "_handwritings", handwritings)
    listing = cluttered_digits(DIGITS, DataWants(task="segmentation"))
    assert listing.validation is not None
    for samples, is_validation in ((listing.train, False), (listing.validation, True)):
        asked.clear()
        samples.pictures.open(0)
        assert set(asked) == {is_validation}

    written = [
        {image.tobytes() for digit in writers(is_validation) for image in digit}
        for is_validation in (False, True)
    ]
    assert not written[0] & written[1]
    assert len(written[1]) > 400


@pytest.mark.parametrize(("max_digits", "loss"), [(1, 0.05), (3, 0.1)])
def test_brightness_alone_does_not_find_digits(
    max_digits: int, loss: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without broken strokes a threshold finds them; with them it does so worse."""
    spec = replace(DIGITS, drawn=replace(DIGITS.drawn, max_objects=max_digits))

    def best_threshold() -> float:
        samples = cluttered_digits(spec, DataWants(task="segmentation")).train
        assert isinstance(samples.truth, Masks)
        pictures = [np.asarray(samples.pictures.open(at).image) for at in range(len(samples))]
        bright = np.stack(pictures).mean(axis=3)
        is_digit = np.stack([samples.truth.mask(at) for at in range(len(samples))]) > 0
        found = (bright > threshold for threshold in range(60, 240, 5))
        return max(float((each & is_digit).sum() / (each | is_digit).sum()) for each in found)

    cluttered = best_threshold()
    for name in ("ALONE", "TOGETHER"):
        tidy = replace(getattr(cluttered_module, name), num_fragments=0)
        monkeypatch.setattr(cluttered_module, name, tidy)

    assert cluttered < best_threshold() - loss


def test_looking_at_cluttered_digits_needs_no_scikit_learn() -> None:
    program = (
        "import sys; from trainer_service.datasets.inspect import inspect;"
        "from trainer_service.datasets.wants import DataWants;"
        "from trainer_service.jobs import DatasetSpec;"
        "inspect(DatasetSpec(kind='cluttered_digits'), DataWants(task='segmentation'), ());"
        "sys.exit(sorted({'sklearn', 'PIL', 'torch'} & set(sys.modules)) or 0)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_source_says_what_it_can_teach(read_data: ReadData) -> None:
    with pytest.raises(
        DataInvalid, match="cluttered_digits cannot teach detection; it is for segm"
    ):
        read_data(DIGITS, task="detection")
