"""Images and masks of the same name."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from catalog_service.models.contracts import InputContract
from tests.fakes.annotated_images import draw_images, two_halves, write_mask
from tests.trainer_service.datasets.conftest import ReadData
from trainer_service.datasets import read
from trainer_service.datasets.images import ImagesOnDisk
from trainer_service.datasets.mask_pixels import decode_mask
from trainer_service.datasets.pixels import fit, fit_mask
from trainer_service.errors import DataInvalid
from trainer_service.jobs import DatasetSpec


@pytest.fixture
def pairs(tmp_path: Path) -> DatasetSpec:
    """Ten images whose left half is class 0 and whose right half is class 1."""
    for path in draw_images(tmp_path / "images", 10):
        write_mask(tmp_path / "masks" / path.name, two_halves())
    return spec_of(tmp_path)


def spec_of(folder: Path, **changes: object) -> DatasetSpec:
    """Return a spec of the pairs below a folder."""
    return DatasetSpec(
        kind="image_mask_pairs",
        path=str(folder / "images"),
        targets_path=str(folder / "masks"),
        **changes,  # type: ignore[arg-type]
    )


def test_kept_and_decoded_masks_are_the_same(
    pairs: DatasetSpec, read_data: ReadData, monkeypatch: pytest.MonkeyPatch
) -> None:
    wants = {"task": "segmentation", "class_names": ("floor", "wall")}
    kept = read_data(pairs, **wants)
    monkeypatch.setattr(read, "MAX_KEPT_BYTES", 0)
    on_disk = read_data(pairs, **wants)
    positions = np.arange(len(kept.train))

    assert isinstance(on_disk.train, ImagesOnDisk)
    one, other = kept.train.read(positions), on_disk.train.read(positions)
    assert torch.equal(one.pixels, other.pixels)
    assert torch.equal(one.targets, other.targets)
    assert torch.equal(on_disk.train.targets(positions), other.targets)
    assert kept.fingerprint == on_disk.fingerprint


@pytest.mark.parametrize("mode", ["LA", "RGB", "RGBA"])
def test_grey_masks_may_say_how_opaque_they_are(mode: str, tmp_path: Path) -> None:
    """Drawing programs add an opaque channel to what they save."""
    path = tmp_path / "m.png"
    Image.fromarray(two_halves(0, 2).astype(np.uint8)).convert(mode).save(path)

    assert np.array_equal(decode_mask(path.read_bytes()), two_halves(0, 2))


def test_a_palette_is_indices_not_colours(tmp_path: Path) -> None:
    path = write_mask(tmp_path / "m.png", two_halves(0, 2), mode="P")

    assert np.array_equal(decode_mask(path.read_bytes()), two_halves(0, 2))
    naive = np.asarray(Image.open(path).convert("L"))
    assert set(np.unique(naive)) != {0, 2}


def test_values_mean_the_classes_that_the_spec_says(tmp_path: Path, read_data: ReadData) -> None:
    for path in draw_images(tmp_path / "images", 4):
        write_mask(tmp_path / "masks" / path.name, two_halves(0, 255))

    dataset = read_data(
        spec_of(tmp_path, classes_of_values={255: 1}), task="segmentation", num_outputs=2
    )

    assert set(dataset.train.targets(np.arange(2)).unique().tolist()) == {0, 1}


def test_values_that_are_no_class_are_found_before_training(
    pairs: DatasetSpec, read_data: ReadData, tmp_path: Path
) -> None:
    """On a GPU such a label is an assertion that kills the process; here it has a file name."""
    write_mask(tmp_path / "masks" / "003.png", two_halves(0, 7))

    with pytest.raises(DataInvalid, match=r"003\.png' \(its mask has the values 7; there are 2"):
        read_data(pairs, task="segmentation", num_outputs=2)


def test_ignored_pixels_are_no_fault(
    pairs: DatasetSpec, read_data: ReadData, tmp_path: Path
) -> None:
    write_mask(tmp_path / "masks" / "003.png", two_halves(0, 255))

    report = read_data(pairs, task="segmentation", num_outputs=2).report

    assert report.num_unusable == 0
    assert sum(c.num_train_images + c.num_validation_images for c in report.classes) == 19


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (
            lambda path: write_mask(path, two_halves(side_px=8)),
            "16 x 16 pixels upright, its mask 8",
        ),
        (lambda path: path.unlink(), "no mask of its name"),
        (lambda path: path.write_bytes(b"no mask"), "its mask .* not an image"),
        (lambda path: Image.new("RGB", (16, 16), (9, 0, 0)).save(path), "in colour"),
    ],
)
def test_masks_that_do_not_fit_are_named(
    pairs: DatasetSpec, read_data: ReadData, tmp_path: Path, make: object, expected: str
) -> None:
    make(tmp_path / "masks" / "005.png")  # type: ignore[operator]

    with pytest.raises(DataInvalid, match=f"1 of 10 images .*{expected}"):
        read_data(pairs, task="segmentation", num_outputs=2)


def test_the_model_must_say_how_many_classes_there_are(
    pairs: DatasetSpec, read_data: ReadData
) -> None:
    with pytest.raises(DataInvalid, match="masks do not tell how many classes"):
        read_data(pairs, task="segmentation")


@pytest.mark.parametrize(("resize", "crop"), [(0, 12), (20, 12), (10, 14), (16, 16)])
@pytest.mark.parametrize(("width", "height"), [(40, 24), (24, 40)])
def test_a_mask_moves_as_its_image_does(resize: int, crop: int, width: int, height: int) -> None:
    """White where the class is 4: after the same fit the two still agree, but for edges."""
    contract = InputContract(
        height_px=crop, width_px=crop, resize_shorter_side_px=resize, mean=(0,), std=(1,)
    )
    mask = np.zeros((height, width), dtype=np.int32)
    mask[height // 4 : height // 2, width // 3 :] = 4
    image = Image.fromarray((mask // 4 * 255).astype(np.uint8)).convert("RGB")

    fitted, moved = fit(image, contract)[..., 0], fit_mask(mask, contract, outside=255)

    shown = moved != 255
    assert moved.shape == fitted.shape == (crop, crop)
    assert set(np.unique(moved)) <= {0, 4, 255}
    assert ((fitted > 127) == (moved == 4))[shown].mean() > 0.93
    assert (fitted[~shown] == 0).all()


@pytest.mark.parametrize("value", [0, 255])
def test_masks_of_one_class_teach_nothing(value: int, tmp_path: Path, read_data: ReadData) -> None:
    """White that was meant as a class counts for nothing: every model would be right."""
    for path in draw_images(tmp_path / "images", 10):
        write_mask(tmp_path / "masks" / path.name, two_halves(0, value))

    with pytest.raises(DataInvalid, match=r"no class but 'floor'.* The value 255 .*\{255: 1\}"):
        read_data(spec_of(tmp_path), task="segmentation", class_names=("floor", "wall"))


def test_a_class_that_is_ignored_is_none(pairs: DatasetSpec, read_data: ReadData) -> None:
    with pytest.raises(DataInvalid, match="no class but 'floor'"):
        read_data(pairs, task="segmentation", class_names=("floor", "wall"), ignore_index=1)


def test_no_class_is_ignored_by_default(tmp_path: Path, read_data: ReadData) -> None:
    """255 counts for nothing where nobody says what does; a 256th class would learn nothing."""
    names = tuple(f"class {index}" for index in range(300))
    for path in draw_images(tmp_path / "images", 10):
        mask = two_halves(0, 44).astype(np.uint16) + 255
        write_mask(tmp_path / "masks" / path.name, mask)

    with pytest.raises(DataInvalid, match=r"class 'class 255' is number 255.* such as 32767"):
        read_data(spec_of(tmp_path), task="segmentation", class_names=names)
    data = read_data(spec_of(tmp_path), task="segmentation", class_names=names, ignore_index=32_767)

    taught = [each.name for each in data.report.classes if each.num_train_images]
    assert taught == ["class 255", "class 299"]
