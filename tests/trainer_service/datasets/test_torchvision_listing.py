"""Published data sets on the disk: pictures and labels as torchvision's own classes give them."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.datasets as published

from tests.fakes import published_sets as fakes
from tests.trainer_service.datasets.conftest import ReadData
from trainer_service.datasets.inspect import DatasetSummary, inspect
from trainer_service.datasets.numpy_pickle import read_number_pickle
from trainer_service.datasets.samples import Samples
from trainer_service.datasets.torchvision_listing import KNOWN_SETS, torchvision_listing
from trainer_service.datasets.truths import Labels
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid, PathOutsideRoots
from trainer_service.jobs import DatasetSpec


def spec_of(root: Path, name: str, target_type: str = "") -> DatasetSpec:
    """Return a spec."""
    return DatasetSpec(kind="torchvision", name=name, path=str(root), target_type=target_type)


def look(root: Path, name: str, task: str = "classification") -> DatasetSummary:
    """Inspect a data set."""
    return inspect(spec_of(root, name), DataWants(task=task), (str(root),))


TWINS: dict[str, tuple[Callable[[Path], None], Callable[[Path], Any]]] = {
    "mnist": (fakes.write_mnist, lambda root: published.MNIST(root)),
    "fashion_mnist": (
        lambda root: fakes.write_mnist(root, "FashionMNIST"),
        lambda root: published.FashionMNIST(root),
    ),
    "cifar10": (fakes.write_cifar10, lambda root: published.CIFAR10(root)),
    "stl10": (fakes.write_stl10, lambda root: published.STL10(root, "train")),
    "svhn": (fakes.write_svhn, lambda root: published.SVHN(root, "train")),
    "flowers102": (fakes.write_flowers, lambda root: published.Flowers102(root, "train")),
    "oxford_iiit_pet": (fakes.write_pets, lambda root: published.OxfordIIITPet(root)),
    "dtd": (fakes.write_dtd, lambda root: published.DTD(root)),
    "food101": (fakes.write_food, lambda root: published.Food101(root)),
    "fgvc_aircraft": (fakes.write_aircraft, lambda root: published.FGVCAircraft(root, "train")),
    "eurosat": (fakes.write_eurosat, lambda root: published.EuroSAT(root)),
    "imagenette_160px": (
        fakes.write_imagenette,
        lambda root: published.Imagenette(root, "train", "160px"),
    ),
}


def as_pairs(samples: Samples) -> list[tuple[bytes, int]]:
    """Return bytes and label of every picture, sorted."""
    assert isinstance(samples.truth, Labels)
    return sorted(
        (np.asarray(samples.pictures.open(position).image).tobytes(), int(label))
        for position, label in enumerate(samples.truth.values)
    )


@pytest.mark.parametrize("name", TWINS)
def test_pictures_and_labels_are_torchvisions(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On tiny copies, whose checksums torchvision is kept from comparing."""
    write, make = TWINS[name]
    write(tmp_path)
    for module in (published.cifar, published.svhn, published.stl10, published.flowers102):
        monkeypatch.setattr(module, "check_integrity", lambda *_: True)

    listing = torchvision_listing(spec_of(tmp_path, name), DataWants(), (str(tmp_path),))
    reference = make(tmp_path)

    expected = sorted(
        (np.asarray(image.convert("RGB")).tobytes(), int(label)) for image, label in reference
    )
    assert as_pairs(listing.train) == expected


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "flowers102"])
def test_class_names_are_torchvisions(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, make = TWINS[name]
    write(tmp_path)
    for module in (published.cifar, published.flowers102):
        monkeypatch.setattr(module, "check_integrity", lambda *_: True)

    listing = torchvision_listing(spec_of(tmp_path, name), DataWants(), (str(tmp_path),))

    assert listing.class_names == tuple(make(tmp_path).classes)


def test_the_publishers_validation_is_used(tmp_path: Path) -> None:
    fakes.write_dtd(tmp_path)

    summary = look(tmp_path, "dtd")

    assert (summary.num_train_images, summary.num_validation_images) == (8, 4)


def test_trimaps_are_masks(tmp_path: Path, read_data: ReadData) -> None:
    fakes.write_pets(tmp_path)

    dataset = read_data(spec_of(tmp_path, "oxford_iiit_pet"), task="segmentation")

    masks = dataset.train.targets(np.arange(3))
    assert dataset.class_names == ("pet", "background", "border")
    assert set(masks.unique().tolist()) == {0, 1, 2}
    assert torch.equal(masks[:, 0], torch.full((3, 16), 2))


def test_voc_borders_count_for_nothing(tmp_path: Path, read_data: ReadData) -> None:
    fakes.write_voc(tmp_path)

    dataset = read_data(spec_of(tmp_path, "voc_segmentation"), task="segmentation")

    assert dataset.report.num_unusable == 0
    assert set(dataset.train.targets(np.arange(4)).unique().tolist()) == {0, 15, 255}


def test_cats_and_dogs_are_another_target(tmp_path: Path) -> None:
    fakes.write_pets(tmp_path)
    spec = spec_of(tmp_path, "oxford_iiit_pet", "binary-category")

    assert inspect(spec, DataWants(), (str(tmp_path),)).class_names == ("Cat", "Dog")
    with pytest.raises(DataInvalid, match="no target_type 'breed'; there are category, binary"):
        inspect(spec_of(tmp_path, "oxford_iiit_pet", "breed"), DataWants(), (str(tmp_path),))


def test_an_unknown_name_is_answered_with_the_list(tmp_path: Path) -> None:
    with pytest.raises(
        DataInvalid, match=r"no torchvision data set 'cifar11'; known are .*cifar10"
    ):
        look(tmp_path, "cifar11")


@pytest.mark.parametrize("name", KNOWN_SETS)
def test_what_is_not_there_is_said_with_its_path(tmp_path: Path, name: str) -> None:
    task = "segmentation" if name == "voc_segmentation" else "classification"

    with pytest.raises(DataInvalid, match=f"{name} is not below .*: no '.*nothing is downloaded"):
        look(tmp_path, name, task)


def test_a_pickle_that_names_a_function_is_refused_and_not_run(tmp_path: Path) -> None:
    """The naive way runs it: the file appears."""

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (open, (str(tmp_path / "was-run"), "w"))  # type: ignore[return-value]

    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps({"data": Evil()}, protocol=2))

    with pytest.raises(DataInvalid, match=r"names (io|_io|builtins)\.open"):
        read_number_pickle(path)
    assert not (tmp_path / "was-run").exists()
    pickle.loads(path.read_bytes())["data"].close()  # noqa: S301 - the naive way
    assert (tmp_path / "was-run").exists()


def test_arrays_that_python_3_pickled_are_read_too(tmp_path: Path) -> None:
    rows = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for array in (rows, np.asfortranarray(rows)):
        (tmp_path / "batch").write_bytes(pickle.dumps({"data": array}, protocol=2))

        assert np.array_equal(read_number_pickle(tmp_path / "batch")["data"], array)


@pytest.mark.parametrize("data", [b"", b"\x80\x02.", pickle.dumps([1]), b"not a pickle"])
def test_broken_pickles_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "batch").write_bytes(data)

    with pytest.raises(DataInvalid, match="batch"):
        read_number_pickle(tmp_path / "batch")


def test_no_list_leads_out_of_the_allowed_roots(tmp_path: Path) -> None:
    fakes.write_dtd(tmp_path / "in")
    path = tmp_path / "in" / "dtd" / "dtd" / "labels" / "train1.txt"
    path.write_text(path.read_text() + "banded/../../../../../secret.jpg\n")

    with pytest.raises(PathOutsideRoots):
        look(tmp_path / "in", "dtd")
