"""The same picture in two splits, and other pictures that only look alike at first."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fakes.annotated_images import draw_image, draw_images
from tests.trainer_service.datasets.conftest import ReadData
from trainer_service.datasets.leaks import Prints, twins
from trainer_service.jobs import DatasetSpec


def folders(root: Path) -> DatasetSpec:
    """Write two classes of four images each, and two others each for validation."""
    for number in range(4):
        draw_image(root / "train" / "a" / f"{number}.png", seed=number)
        draw_image(root / "train" / "b" / f"{number}.png", seed=10 + number)
    for number in range(2):
        draw_image(root / "val" / "a" / f"{number}.png", seed=20 + number)
        draw_image(root / "val" / "b" / f"{number}.png", seed=30 + number)
    return DatasetSpec(
        kind="image_folder", path=str(root / "train"), validation_path=str(root / "val")
    )


def test_different_pictures_are_no_leaks(tmp_path: Path, read_data: ReadData) -> None:
    report = read_data(folders(tmp_path)).report

    assert (report.num_leaks, report.warnings) == (0, ())


def test_equal_files_are_identical(tmp_path: Path, read_data: ReadData) -> None:
    spec = folders(tmp_path)
    copy = tmp_path / "val" / "a" / "copy.png"
    copy.write_bytes((tmp_path / "train" / "a" / "2.png").read_bytes())

    [leak] = read_data(spec).report.leaks

    assert leak.is_identical
    assert (Path(leak.train_path).name, Path(leak.validation_path).name) == ("2.png", "copy.png")


def recoded(path: Path) -> bytes:
    file = io.BytesIO()
    Image.open(path).save(file, "JPEG", quality=80)
    return file.getvalue()


def resized(path: Path) -> bytes:
    file = io.BytesIO()
    Image.open(path).resize((60, 60), Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("change", [recoded, resized])
def test_another_encoding_or_size_looks_the_same(
    tmp_path: Path, read_data: ReadData, change: object
) -> None:
    spec = folders(tmp_path)
    data = change(tmp_path / "train" / "b" / "1.png")  # type: ignore[operator]
    (tmp_path / "val" / "b" / "other.jpg").write_bytes(data)

    report = read_data(spec).report

    assert [(leak.is_identical, Path(leak.train_path).name) for leak in report.leaks] == [
        (False, "1.png")
    ]
    assert "metrics look better than they are" in report.warnings[0]


def test_plain_pictures_do_not_all_look_the_same() -> None:
    """Nothing on them can be told apart but their bytes."""
    grey = np.full((3, 16, 16), 128, dtype=np.uint8)

    found = twins(
        Prints(digests=("a", "b", "c"), thumbnails=grey),
        Prints(digests=("d", "e", "b"), thumbnails=grey),
    )

    assert [(twin.train, twin.validation, twin.is_identical) for twin in found] == [(1, 2, True)]


def test_thousands_of_noises_are_all_different() -> None:
    random = np.random.default_rng(0)
    thumbnails = random.integers(0, 256, (4000, 16, 16), dtype=np.uint8)
    names = [str(number) for number in range(4000)]

    found = twins(
        Prints(digests=names[:3000], thumbnails=thumbnails[:3000]),
        Prints(digests=names[3000:], thumbnails=thumbnails[3000:]),
    )

    assert found == []


def test_equal_files_with_different_classes_are_a_warning(
    tmp_path: Path, read_data: ReadData
) -> None:
    spec = folders(tmp_path)
    (tmp_path / "train" / "b" / "twin.png").write_bytes(
        (tmp_path / "train" / "a" / "0.png").read_bytes()
    )

    [warning] = read_data(spec).report.warnings

    assert "equal training files with different classes" in warning
    assert "twin.png" in warning


def test_the_report_tells_colours_and_counts(tmp_path: Path, read_data: ReadData) -> None:
    for name, level in (("black", 0), ("white", 255)):
        for number in range(4):
            place = tmp_path / "data" / name / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8 + number, 8), (level,) * 3).save(place)

    report = read_data(DatasetSpec(kind="image_folder", path=str(tmp_path / "data"))).report

    assert report.mean == pytest.approx((0.5, 0.5, 0.5))
    assert report.std == pytest.approx((0.5, 0.5, 0.5))
    assert [(c.name, c.num_train_images, c.num_validation_images) for c in report.classes] == [
        ("black", 3, 1),
        ("white", 3, 1),
    ]


def test_unlabelled_images_are_read(tmp_path: Path, read_data: ReadData) -> None:
    draw_images(tmp_path / "some" / "where", 5)

    dataset = read_data(DatasetSpec(kind="unlabelled_images", path=str(tmp_path)), task="simclr")

    assert dataset.train.targets(np.arange(2)) is None
    assert (len(dataset.train), len(dataset.validation)) == (4, 1)
