"""Reading a data set: every image is checked once, kept or not, and told apart by its content."""

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from catalog_service.models.contracts import InputContract
from tests.fakes.image_folders import draw_folder
from trainer_service.datasets import read
from trainer_service.datasets.batches import ImageBatches, TrainingOrder, evaluation_batches
from trainer_service.datasets.images import ImagesOnDisk, KeptImages
from trainer_service.datasets.read import Dataset, read_dataset
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid
from trainer_service.jobs import DatasetSpec
from trainer_service.jobs.learning_spec import SHIFT_AND_FLIP

CONTRACT = InputContract(height_px=8, width_px=8, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
CPU = torch.device("cpu")


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return draw_folder(tmp_path / "data", {"a": 6, "b": 5})


def read_folder(folder: Path, pool: Executor, progress: read.Progress = lambda *_: None) -> Dataset:
    """Read an image folder."""
    return read_dataset(
        DatasetSpec(kind="image_folder", path=str(folder)),
        DataWants(class_names=("a", "b"), contract=CONTRACT),
        allowed_roots=(str(folder),),
        pool=pool,
        progress=progress,
    )


def test_broken_images_are_found_before_training_and_named(folder: Path, pool: Executor) -> None:
    for number in range(7):
        (folder / "b" / f"broken{number}.png").write_bytes(b"\x89PNG no more")
    whole = (folder / "a" / "000.png").read_bytes()
    (folder / "a" / "half.png").write_bytes(whole[: len(whole) // 2])
    (folder / "a" / "nothing.png").write_bytes(b"")

    with pytest.raises(DataInvalid) as failure:
        read_folder(folder, pool)

    assert failure.value.message.startswith("9 of 20 images cannot be used: ")
    assert failure.value.message.count(".png'") == 5
    assert "and 4 more. Replace them, or let max_unusable_ratio" in failure.value.message


def test_kept_and_decoded_images_are_the_same(
    folder: Path, pool: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = read_folder(folder, pool)
    monkeypatch.setattr(read, "MAX_KEPT_BYTES", 0)
    on_disk = read_folder(folder, pool)
    order = TrainingOrder(batch_size=4, num_steps=3, seed=1, augmentation=SHIFT_AND_FLIP)

    assert isinstance(kept.train, KeptImages)
    assert isinstance(on_disk.train, ImagesOnDisk)
    pairs = zip(
        ImageBatches(dataset=kept, order=order, contract=CONTRACT, device=CPU).training(1),
        ImageBatches(dataset=on_disk, order=order, contract=CONTRACT, device=CPU).training(1),
        strict=True,
    )
    for one, other in pairs:
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.targets, other.targets)


def test_evaluation_sees_every_image_in_order(folder: Path, pool: Executor) -> None:
    dataset = read_folder(folder, pool)

    labels = torch.cat([b.targets for b in evaluation_batches(dataset.train, CONTRACT, CPU)])

    assert torch.equal(labels, dataset.train.labels)


def test_batches_keep_channels_last(folder: Path, pool: Executor) -> None:
    """Convolutions are faster that way, and it costs no copy."""
    batch = next(evaluation_batches(read_folder(folder, pool).train, CONTRACT, CPU))

    assert batch.images.is_contiguous(memory_format=torch.channels_last)


def test_the_fingerprint_is_of_the_contents(folder: Path, pool: Executor, tmp_path: Path) -> None:
    first = read_folder(folder, pool).fingerprint
    same = read_folder(draw_folder(tmp_path / "copy", {"a": 6, "b": 5}), pool).fingerprint
    other = read_folder(draw_folder(tmp_path / "other", {"a": 5, "b": 6}), pool).fingerprint

    assert first == same != other


def test_progress_counts_all_images_and_may_stop(folder: Path, pool: Executor) -> None:
    seen: list[tuple[int, int]] = []
    read_folder(folder, pool, lambda done, total: seen.append((done, total)))

    def stop(_done: int, _total: int) -> None:
        raise InterruptedError

    assert seen == [(9, 11), (11, 11)]
    with pytest.raises(InterruptedError):
        read_folder(folder, pool, stop)


def test_a_broken_image_stops_batches_that_are_made_ahead(
    folder: Path, pool: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in the thread that decodes must not become a silent end of the epoch."""
    monkeypatch.setattr(read, "MAX_KEPT_BYTES", 0)
    dataset = read_folder(folder, pool)
    for path in folder.glob("*/*.png"):
        path.write_bytes(b"")

    with pytest.raises(DataInvalid, match="empty file"):
        list(evaluation_batches(dataset.train, CONTRACT, CPU))


def test_digits_follow_the_models_order_of_classes(pool: Executor) -> None:
    names = tuple("9876543210")

    dataset = read_dataset(
        DatasetSpec(kind="bundled_digits"),
        DataWants(class_names=names, contract=CONTRACT),
        allowed_roots=(),
        pool=pool,
        progress=lambda *_: None,
    )

    assert dataset.class_names == names
    assert len(dataset.train.labels) + len(dataset.validation.labels) == 1797
    assert int((dataset.train.labels == 9).sum()) == 178 - 36  # zeros


def make_pipe(place: Path) -> None:
    """Put a pipe there that nobody writes into."""
    os.mkfifo(place)


def make_socket(place: Path) -> None:
    """Put a socket there."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))


def make_huge(place: Path) -> None:
    """Put a file there that is larger than memory, of nothing."""
    with place.open("wb") as file:
        file.truncate(2**42)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (make_pipe, "not a regular file"),
        (make_socket, "No such device or address"),
        (make_huge, "4,398,046,511,104 bytes; the most is"),
    ],
)
def test_what_is_no_file_of_pixels_is_a_broken_image(
    folder: Path, pool: Executor, make: Callable[[Path], None], expected: str
) -> None:
    """Reading a pipe waits for ever, and takes the job's stop button with it."""
    make(folder / "a" / "odd.png")

    with pytest.raises(DataInvalid, match=f"1 of 12 images .*{expected}"):
        read_folder(folder, pool)


def test_a_link_that_took_a_checked_files_place_is_not_followed(
    folder: Path, pool: Executor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(read, "MAX_KEPT_BYTES", 0)
    images = read_folder(folder, pool).train
    assert isinstance(images, ImagesOnDisk)
    elsewhere, place = tmp_path / "elsewhere.png", Path(images.reader.samples.pictures.name(0))
    place.rename(elsewhere)
    place.symlink_to(elsewhere)

    with pytest.raises(DataInvalid, match=r"000\.png' changed after it was checked"):
        images.pixels(np.array([0]))


def test_examples_are_validation_images_by_lot_and_the_same_for_every_job(
    folder: Path, pool: Executor
) -> None:
    one, other = read_folder(folder, pool), read_folder(folder, pool)

    assert list(one.examples.items()) == list(other.examples.items())
    assert sorted(one.examples) == list(range(len(one.validation)))
    for position, name in one.examples.items():
        labels = one.validation.targets(np.array([position]))
        assert isinstance(labels, torch.Tensor)
        assert Path(name).parent.name == one.class_names[int(labels[0])]
