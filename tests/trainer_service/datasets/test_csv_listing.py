"""Tables: which column is what, and what is wrong with which line."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.fakes.annotated_images import draw_images, two_halves, write_mask, write_table
from tests.trainer_service.datasets.conftest import ReadData
from trainer_service.datasets.inspect import DatasetSummary, inspect
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid, PathOutsideRoots
from trainer_service.jobs import DatasetSpec
from trainer_service.jobs.dataset_spec import CsvSource


def table(folder: Path, header: str, *cells: str, count: int = 10) -> Path:
    """Write images and a table of them; each cell is a pattern with the row's number in it."""
    paths = draw_images(folder / "pictures", count)
    rows = [
        (
            f"pictures/{path.name}",
            *(cell.format(n=n, half=n // 2, parity="ab"[n % 2]) for cell in cells),
        )
        for n, path in enumerate(paths)
    ]
    return write_table(folder / "table.csv", header.split(","), rows)


def look(path: Path, task: str = "classification", **changes: object) -> DatasetSummary:
    """Inspect a table below an allowed root."""
    source = changes.pop("source", CsvSource())
    wants = DataWants(task=task, **changes.pop("wants", {}))  # type: ignore[arg-type]
    spec = DatasetSpec(kind="csv", path=str(path), csv=source, **changes)  # type: ignore[arg-type]
    return inspect(spec, wants, (str(path.parent),))


def test_one_column_of_names_is_classification(tmp_path: Path) -> None:
    summary = look(table(tmp_path, "image,kind", "{parity}"))

    assert summary.class_names == ("a", "b")
    assert summary.num_images_per_class == (4, 4)
    assert (summary.num_train_images, summary.num_validation_images) == (8, 2)


def test_numbers_as_class_names_are_sorted_as_numbers(tmp_path: Path) -> None:
    """As text 10 would come before 9, and the order of outputs with it."""
    summary = look(table(tmp_path, "image,kind", "{half}", count=22))

    assert summary.class_names[-2:] == ("9", "10")


def test_names_in_one_cell_are_several_labels(tmp_path: Path, read_data: ReadData) -> None:
    path = table(tmp_path, "image,tags", "{parity};every")

    dataset = read_data(DatasetSpec(kind="csv", path=str(path)), task="multilabel")

    assert dataset.class_names == ("a", "b", "every")
    targets = dataset.train.targets(np.arange(len(dataset.train)))
    assert targets.dtype == torch.float32
    assert targets[:, 2].min() == 1
    assert torch.equal(targets[:, 0] + targets[:, 1], torch.ones(len(targets)))


def test_a_column_a_class_is_several_labels(tmp_path: Path) -> None:
    summary = look(table(tmp_path, "image,wet,cold", "1", "0"), "multilabel")

    assert summary.class_names == ("wet", "cold")
    assert summary.num_images_per_class == (8, 0)


def test_columns_of_numbers_are_targets_with_their_statistics(tmp_path: Path) -> None:
    summary = look(
        table(tmp_path, "image,weight,age", "{n}.5", "7"), "regression", validation_ratio=0.1
    )

    assert summary.class_names == ("weight", "age")
    assert summary.target_mean[1] == 7
    assert summary.target_std[1] == 1  # never varies: dividing by 0 would make it infinite
    assert summary.target_std[0] == pytest.approx(np.arange(10).std(), rel=0.2)
    assert summary.num_images_per_class == ()


def test_the_model_names_the_targets_it_predicts(tmp_path: Path) -> None:
    path = table(tmp_path, "image,weight,age", "1", "{n}")

    assert look(path, "regression", wants={"class_names": ("age",)}).class_names == ("age",)
    with pytest.raises(DataInvalid, match=r"no targets 'size'; there are weight, age"):
        look(path, "regression", wants={"class_names": ("size",)})


def test_a_split_column_says_who_is_where(tmp_path: Path) -> None:
    paths = draw_images(tmp_path, 6)
    splits = ["train", "TRAIN", "train", "val", "validation", "test"]
    rows = [
        (path.name, "ab"[number % 2], split)
        for number, (path, split) in enumerate(zip(paths, splits, strict=True))
    ]
    path = write_table(tmp_path / "t.csv", ("image", "kind", "split"), rows)

    summary = look(path, source=CsvSource(split_column="split"))

    assert (summary.num_train_images, summary.num_validation_images) == (3, 2)


def test_masks_are_read_with_their_images(tmp_path: Path, read_data: ReadData) -> None:
    path = table(tmp_path, "image,mask", "masks/{n}.png")
    for number in range(10):
        write_mask(tmp_path / "masks" / f"{number}.png", two_halves(0, 1 + number % 2))

    dataset = read_data(DatasetSpec(kind="csv", path=str(path)), task="segmentation", num_outputs=3)

    masks = dataset.train.targets(np.arange(len(dataset.train)))
    assert masks.dtype == torch.int64
    assert masks.shape[1:] == (16, 16)
    assert torch.equal(masks[:, :, 0], torch.zeros(len(masks), 16, dtype=torch.int64))
    assert {each.num_train_images for each in dataset.report.classes} <= {8, 4, 3, 5}


@pytest.mark.parametrize(
    ("header", "cells", "task", "expected"),
    [
        ("image,kind", ("",), "classification", r"class '' is none of|names no class"),
        ("image,a,b", ("x", "y"), "classification", "one column holds a class name, here are 2"),
        ("image,weight", ("heavy",), "regression", "'heavy' is no finite number"),
        ("image,weight", ("nan",), "regression", "'nan' is no finite number"),
        ("image,weight", ("1e300",), "regression", "'1e300' is no finite number"),
        ("image,wet,cold", ("1", "2"), "multilabel", "'2' is neither 0 nor 1"),
        ("image,mask", ("nowhere.png",), "segmentation", r"line 3: no mask 'nowhere\.png'"),
        ("image,kind,kind", ("a", "b"), "classification", "two columns named 'kind'"),
    ],
)
def test_cells_that_mean_nothing_are_named_with_their_line(
    tmp_path: Path, header: str, cells: tuple[str, ...], task: str, expected: str
) -> None:
    with pytest.raises(DataInvalid, match=expected):
        look(table(tmp_path, header, *cells), task, wants={"num_outputs": len(cells)})


def test_a_missing_column_is_answered_with_those_there_are(tmp_path: Path) -> None:
    path = table(tmp_path, "image,kind", "{parity}")

    with pytest.raises(DataInvalid, match=r"no column 'label'; there are 'image', 'kind'"):
        look(path, source=CsvSource(target_columns=("label",)))


def test_bad_rows_are_left_out_within_the_budget_and_refused_beyond(
    tmp_path: Path, read_data: ReadData
) -> None:
    """Three labels of a hundred that the model does not know."""
    paths = draw_images(tmp_path, 100)
    labels = ["ab"[number % 2] if number % 40 else "typo" for number in range(100)]
    rows = [(path.name, label) for path, label in zip(paths, labels, strict=True)]
    path = write_table(tmp_path / "t.csv", ("image", "kind"), rows)
    wants = {"class_names": ("a", "b")}

    with pytest.raises(DataInvalid, match=r"3 of 100 images .*line 2: class 'typo' is none of"):
        look(path, wants=wants, max_unusable_ratio=0.02)
    spec = DatasetSpec(kind="csv", path=str(path), max_unusable_ratio=0.03)
    report = read_data(spec, **wants).report

    assert report.num_unusable == 3
    assert {Path(each.path).name for each in report.unusable} == {"000.png", "040.png", "080.png"}
    assert report.num_train_images + report.num_validation_images == 97


def test_ragged_lines_empty_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    draw_images(tmp_path, 4)
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfimage,kind\n000.png,a\n\n001.png,b\n002.png,a\n003.png\n")

    with pytest.raises(DataInvalid, match=r"1 of 4 .*line 6: 1 cells, the header has 2"):
        look(path)
    assert look(path, max_unusable_ratio=0.25).num_images_per_class == (1, 1)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_table_without_commas_is_told_so(separator: str, tmp_path: Path) -> None:
    path = table(tmp_path, "image,kind", "{parity}")
    path.write_text(path.read_text().replace(",", separator))

    with pytest.raises(DataInvalid, match=r"one column, .*separate columns by commas"):
        look(path)


def test_a_table_without_a_header_loses_no_row(tmp_path: Path) -> None:
    path = table(tmp_path, "image,kind", "{parity}")
    path.write_text(path.read_text().split("\n", 1)[1])

    with pytest.raises(DataInvalid, match=r"begins with an image, 'pictures/.*line of column"):
        look(path)


def test_no_row_leads_out_of_the_allowed_roots(tmp_path: Path) -> None:
    draw_images(tmp_path / "outside", 1)
    draw_images(tmp_path / "inside", 1)
    rows = [("000.png", "a"), ("../outside/000.png", "b")]
    path = write_table(tmp_path / "inside" / "t.csv", ("image", "kind"), rows)

    with pytest.raises(PathOutsideRoots):
        look(path)


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    for name, data, expected in (
        ("empty", b"", "is empty"),
        ("header", b"image,kind\n", "no rows"),
        ("latin", b"image,kind\n\xe9.png,a\n", "not UTF-8"),
        ("quote", b'image,kind\n"x.png,a\n', "line"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataInvalid, match=expected):
            look(tmp_path / name)
