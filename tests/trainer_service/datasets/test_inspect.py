"""Looking at a data set: what counts, what is refused, and that no image is opened."""

import os
import sys
from inspect import stack
from pathlib import Path

import pytest

from tests.fakes.image_folders import draw_folder
from trainer_service.datasets.bundled_digits import (
    CLASS_NAMES,
    NUM_IMAGES_PER_CLASS,
    digit_labels,
)
from trainer_service.datasets.inspect import DatasetSummary, inspect
from trainer_service.datasets.listing import split_samples
from trainer_service.datasets.samples import Samples
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid, PathOutsideRoots
from trainer_service.jobs import DatasetSpec


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """Ten images of `b`, five of `a`, below an allowed root."""
    return draw_folder(tmp_path / "letters", {"b": 10, "a": 5})


def look(folder: Path, class_names: tuple[str, ...] = (), **spec: object) -> DatasetSummary:
    """Inspect an image folder whose parent is the allowed root."""
    dataset = DatasetSpec(kind="image_folder", path=str(folder), **spec)  # type: ignore[arg-type]
    return inspect(dataset, DataWants(class_names=class_names), (str(folder.parent),))


def names(samples: Samples) -> tuple[str, ...]:
    """Return the names of all pictures."""
    return tuple(samples.pictures.name(position) for position in range(len(samples)))


def test_classes_are_sorted_and_the_split_is_stratified(letters: Path) -> None:
    summary = look(letters)

    assert summary.class_names == ("a", "b")
    assert summary.num_images_per_class == (4, 8)
    assert (summary.num_train_images, summary.num_validation_images) == (12, 3)


def test_the_models_order_of_classes_wins(letters: Path) -> None:
    assert look(letters, ("b", "a")).num_images_per_class == (8, 4)


def test_a_validation_folder_replaces_the_split(letters: Path, tmp_path: Path) -> None:
    held_out = draw_folder(tmp_path / "held_out", {"a": 2, "b": 1})

    summary = look(letters, validation_path=str(held_out))

    assert (summary.num_train_images, summary.num_validation_images) == (15, 3)


def test_hidden_files_and_other_files_are_no_images(letters: Path) -> None:
    (letters / ".cache").mkdir()
    (letters / "a" / "._001.png").write_bytes(b"")
    (letters / "a" / "notes.txt").write_text("not an image")
    nested = letters / "a" / "more"
    nested.mkdir()
    (letters / "a" / "000.png").rename(nested / "000.PNG")

    assert look(letters).num_images_per_class == (4, 8)


def test_looking_opens_no_image(letters: Path) -> None:
    (letters / "a" / "broken.png").write_bytes(b"not an image")

    assert look(letters).num_images_per_class == (5, 8)


def test_the_split_depends_on_its_seed_alone(letters: Path) -> None:
    def held_out(seed: int) -> tuple[str, ...]:
        spec = DatasetSpec(kind="image_folder", path=str(letters), split_seed=seed)
        return names(split_samples(spec, DataWants(), (str(letters),)).validation)

    assert held_out(1) == held_out(1)
    assert len({held_out(seed) for seed in range(5)}) > 1


def test_training_and_validation_share_no_image(letters: Path) -> None:
    spec = DatasetSpec(kind="image_folder", path=str(letters), validation_ratio=0.4)

    samples = split_samples(spec, DataWants(), (str(letters),))

    assert not set(names(samples.train)) & set(names(samples.validation))
    assert len({*names(samples.train), *names(samples.validation)}) == 15


@pytest.mark.parametrize(
    ("class_names", "expected"),
    [
        (("a", "c"), "without images: 'c'; without an output: 'b'"),
        (("a", "b", "c"), "without images: 'c'; without an output: none"),
    ],
)
def test_other_classes_than_the_models_are_named(
    letters: Path, class_names: tuple[str, ...], expected: str
) -> None:
    with pytest.raises(DataInvalid, match=expected):
        look(letters, class_names)


def test_another_number_of_classes_than_outputs_is_refused(letters: Path) -> None:
    spec = DatasetSpec(kind="image_folder", path=str(letters))

    with pytest.raises(DataInvalid, match=r"2 classes .* 3 outputs"):
        inspect(spec, DataWants(num_outputs=3), (str(letters),))


def test_classes_without_images_are_named_together(letters: Path) -> None:
    for number in range(7):
        (letters / f"empty{number}").mkdir()

    with pytest.raises(DataInvalid, match="'empty4' and 2 more") as failure:
        look(letters)

    assert failure.value.error_reason == "DATA_INVALID"


@pytest.mark.parametrize(
    ("num_images", "expected"),
    [
        ({}, "no class folders"),
        ({"only": 3}, "only one class, 'only'"),
        ({"train": 3, "val": 3}, "holds splits"),
        ({"a": 1, "b": 1}, "single image"),
    ],
)
def test_folders_that_teach_nothing_are_refused(
    tmp_path: Path, num_images: dict[str, int], expected: str
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    draw_folder(folder, num_images)

    with pytest.raises(DataInvalid, match=expected):
        look(folder)


def test_a_missing_folder_is_said_to_be_the_trainer_hosts(tmp_path: Path) -> None:
    with pytest.raises(DataInvalid, match="the trainer's host has no folder"):
        look(tmp_path / "nowhere")


def test_the_training_folder_is_no_validation_folder(letters: Path) -> None:
    with pytest.raises(DataInvalid, match="training folder itself"):
        look(letters, validation_path=f"{letters}/../letters")


@pytest.mark.parametrize(("path", "held_out"), [("", "a"), ("a", "")])
def test_of_training_and_validation_none_lies_in_the_other(
    letters: Path, path: str, held_out: str
) -> None:
    spec = DatasetSpec(
        kind="unlabelled_images", path=str(letters / path), validation_path=str(letters / held_out)
    )

    with pytest.raises(DataInvalid, match="one lies in the other"):
        inspect(spec, DataWants(task="simclr"), (str(letters),))


def escape_by_dots(root: Path, outside: Path) -> str:
    return f"{root}/../{outside.name}"


def escape_by_folder_link(root: Path, outside: Path) -> str:
    (root / "link").symlink_to(outside)
    return str(root / "link")


def escape_by_class_link(root: Path, outside: Path) -> str:
    folder = draw_folder(root / "data", {"a": 2, "b": 2})
    (folder / "c").symlink_to(outside / "a")
    return str(folder)


def escape_by_image_link(root: Path, outside: Path) -> str:
    folder = draw_folder(root / "data", {"a": 2, "b": 2})
    (folder / "a" / "link.png").symlink_to(outside / "a" / "000.png")
    return str(folder)


@pytest.mark.parametrize(
    "escape", [escape_by_dots, escape_by_folder_link, escape_by_class_link, escape_by_image_link]
)
def test_no_way_leads_out_of_the_allowed_roots(tmp_path: Path, escape: object) -> None:
    root, outside = tmp_path / "allowed", tmp_path / "outside"
    root.mkdir()
    draw_folder(outside, {"a": 2, "b": 2})
    path = escape(root, outside)  # type: ignore[operator]

    with pytest.raises(PathOutsideRoots) as failure:
        inspect(DatasetSpec(kind="image_folder", path=path), DataWants(), (str(root),))

    assert failure.value.error_reason == "PATH_OUTSIDE_ROOTS"
    assert "VERTEBRA_TRAINER_DATA_ROOTS" in str(failure.value)


def test_links_inside_the_allowed_roots_are_followed_once(letters: Path) -> None:
    (letters / "a" / "again").symlink_to(letters / "a")

    assert look(letters).num_images_per_class == (4, 8)


def test_the_digits_are_as_many_as_the_table_says() -> None:
    labels = digit_labels()

    assert tuple(labels.count(digit) for digit in range(10)) == NUM_IMAGES_PER_CLASS


def test_the_digits_are_known_without_scikit_learn() -> None:
    summary = inspect(DatasetSpec(kind="bundled_digits"), DataWants(), ())

    assert summary.class_names == CLASS_NAMES
    assert summary.num_train_images + summary.num_validation_images == 1797
    assert summary.num_validation_images == pytest.approx(1797 * 0.2, abs=5)


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "x/" * 3000])
def test_a_path_that_no_folder_can_have_is_the_callers_mistake(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataInvalid, match=r"no folder|cannot be followed"):
        look(tmp_path / name)
    with pytest.raises(DataInvalid, match=r"no folder|cannot be followed"):
        look(draw_folder(tmp_path / "data", {"a": 2, "b": 2}), validation_path=f"{tmp_path}/{name}")


def test_a_class_whose_name_is_no_text_is_refused(letters: Path) -> None:
    """It could be sent to nobody: messages hold UTF-8."""
    (letters / os.fsdecode(b"caf\xe9")).mkdir()

    with pytest.raises(DataInvalid, match=r"not UTF-8: 'caf\\udce9'"):
        look(letters)


def test_a_file_whose_name_is_no_text_is_named_in_text(letters: Path) -> None:
    (letters / "a" / os.fsdecode(b"caf\xe9.png")).touch()
    spec = DatasetSpec(kind="image_folder", path=str(letters))

    samples = split_samples(spec, DataWants(), (str(letters.parent),))

    found = [name for name in (*names(samples.train), *names(samples.validation)) if "caf" in name]
    assert found == [f"{letters}/a/caf\\udce9.png"]
    assert found[0].encode()


def test_folders_may_be_nested_deeper_than_python_calls(letters: Path) -> None:
    deepest = letters.joinpath("a", *["n"] * 300)
    deepest.mkdir(parents=True)
    (deepest / "deep.png").touch()
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(len(stack()) + 150)

    try:
        summary = look(letters)
    finally:
        sys.setrecursionlimit(usual)

    assert sum(summary.num_images_per_class) + summary.num_validation_images == 16


def test_a_share_of_the_training_images_leaves_validation_alone(tmp_path: Path) -> None:
    folder = draw_folder(tmp_path / "letters", {"a": 20, "b": 40})

    def chosen(ratio: float) -> tuple[set[str], set[str]]:
        spec = DatasetSpec(kind="image_folder", path=str(folder), data_ratio=ratio)
        samples = split_samples(spec, DataWants(), (str(folder),))
        return set(names(samples.train)), set(names(samples.validation))

    (few, held_out), (more, same), (every, _) = chosen(0.1), chosen(0.5), chosen(1.0)

    assert few < more < every
    assert held_out == same
    assert not every & held_out
    assert look(folder, data_ratio=0.5).num_images_per_class == (8, 16)
