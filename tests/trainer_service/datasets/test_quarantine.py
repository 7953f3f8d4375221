"""Images that cannot be used: named, left out within the budget, replaced in training batches."""

from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.fakes.image_folders import draw_folder
from tests.trainer_service.datasets.conftest import CONTRACT, ReadData
from trainer_service.datasets import read
from trainer_service.datasets.batches import ImageBatches, TrainingOrder, evaluation_batches
from trainer_service.datasets.quarantine import Quarantine
from trainer_service.datasets.read import Dataset
from trainer_service.errors import DataInvalid
from trainer_service.jobs import DatasetSpec, UnusableImage

CPU = torch.device("cpu")


def spec_of(folder: Path, ratio: float) -> DatasetSpec:
    """Return a folder of which a share may be unusable."""
    return DatasetSpec(kind="image_folder", path=str(folder), max_unusable_ratio=ratio)


def training(dataset: Dataset) -> ImageBatches:
    """Return batches of four, enough of them to see every image."""
    order = TrainingOrder(batch_size=4, num_steps=-(-len(dataset.train) // 4), seed=0)
    return ImageBatches(dataset=dataset, order=order, contract=CONTRACT, device=CPU)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A hundred images of two classes; one is broken."""
    folder = draw_folder(tmp_path / "data", {"a": 50, "b": 50})
    (folder / "a" / "007.png").write_bytes(b"broken")
    return folder


def test_one_percent_may_be_broken_if_the_spec_says_so(folder: Path, read_data: ReadData) -> None:
    with pytest.raises(DataInvalid, match=r"1 of 100 images .*007\.png"):
        read_data(spec_of(folder, 0.0))
    (folder / "b" / "008.png").write_bytes(b"")
    with pytest.raises(DataInvalid, match="2 of 100 images"):
        read_data(spec_of(folder, 0.01))

    report = read_data(spec_of(folder, 0.02)).report

    assert [(Path(each.path).name, each.reason) for each in report.unusable] == [
        ("007.png", "not an image"),
        ("008.png", "empty file"),
    ]


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_broken_image_is_trained_by_another_and_never_judged(
    folder: Path, read_data: ReadData, is_kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps and shapes stay as they were planned."""
    if not is_kept:
        monkeypatch.setattr(read, "MAX_KEPT_BYTES", 0)
    dataset = read_data(spec_of(folder, 0.01))
    splits = {"train": dataset.train, "validation": dataset.validation}
    [broken] = [images for images in splits.values() if images.lost.any()]

    batches = list(training(dataset).training(1))
    seen = np.concatenate([batch.positions for batch in batches])
    judged = sum(batch.num_images for batch in evaluation_batches(broken, CONTRACT, CPU))

    assert {batch.num_images for batch in batches} == {4}
    assert len(seen) == len(dataset.train)
    assert not dataset.train.lost[seen].any()
    assert judged == len(broken) - 1


def test_an_image_that_breaks_during_the_run_goes_into_quarantine(
    folder: Path, read_data: ReadData, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a" / "007.png").unlink()
    monkeypatch.setattr(read, "MAX_KEPT_BYTES", 0)
    dataset = read_data(spec_of(folder, 0.03))
    name = dataset.train.reader.samples.pictures.name  # type: ignore[attr-defined]
    Path(name(3)).write_bytes(b"")

    seen = np.concatenate([batch.positions for batch in training(dataset).training(1)])

    assert len(seen) == len(dataset.train)
    assert 3 not in seen
    assert [each.path for each in dataset.quarantine.take_news()] == [name(3)]
    assert dataset.quarantine.take_news() == ()


def test_an_image_that_became_another_one_is_not_trained_on(
    folder: Path, read_data: ReadData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was checked and counted as what it was."""
    (folder / "a" / "007.png").unlink()
    monkeypatch.setattr(read, "MAX_KEPT_BYTES", 0)
    dataset = read_data(spec_of(folder, 0.03))
    name = dataset.train.reader.samples.pictures.name  # type: ignore[attr-defined]
    Path(name(3)).write_bytes(Path(name(4)).read_bytes())

    list(training(dataset).training(1))

    assert [each.reason for each in dataset.quarantine.take_news()] == [
        "changed after it was checked"
    ]


def test_one_too_many_during_the_run_is_a_failure_with_names(
    folder: Path, read_data: ReadData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "MAX_KEPT_BYTES", 0)
    dataset = read_data(spec_of(folder, 0.02))
    name = dataset.train.reader.samples.pictures.name  # type: ignore[attr-defined]
    for position in (1, 2):
        Path(name(position)).write_bytes(b"")

    with pytest.raises(DataInvalid, match="3 of 100 images cannot be used"):
        list(training(dataset).training(1))


def test_a_split_without_a_usable_image_is_an_end(
    tmp_path: Path, read_data: ReadData, pool: Executor
) -> None:
    folder = draw_folder(tmp_path / "data", {"a": 2, "b": 2})
    for path in folder.glob("*/*.png"):
        path.write_bytes(b"")

    with pytest.raises(DataInvalid, match=r"no image of the split|4 of 4"):
        list(training(read_data(spec_of(folder, 1.0))).training(1))


def test_what_several_ranks_leave_out_counts_once() -> None:
    """Each meets it at its own time."""
    a, b, c = (UnusableImage(path=each, reason="gone") for each in ("a", "b", "c"))
    quarantine = Quarantine(100, 0.02, ())

    quarantine.add("a", "gone")
    quarantine.add_of_others([a, b, b])
    quarantine.add("b", "gone")
    quarantine.add_of_others([b])

    assert [each.path for each in quarantine.take_news()] == ["a", "b"]
    with pytest.raises(DataInvalid, match="3 of 100 images cannot be used"):
        quarantine.add_of_others([c])
