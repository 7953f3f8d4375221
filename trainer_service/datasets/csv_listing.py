"""A table of images as samples: which column is what follows from the task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from catalog_service.errors import listed
from trainer_service.datasets.allowed_paths import allowed_file, allowed_folder, is_allowed_file
from trainer_service.datasets.csv_table import Row, Table, read_table
from trainer_service.datasets.csv_targets import READERS, TargetColumns
from trainer_service.datasets.file_pictures import file_pictures
from trainer_service.datasets.samples import Listing, Samples
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid, PathOutsideRoots
from trainer_service.jobs import DatasetSpec
from trainer_service.jobs.dataset_spec import CsvSource

IMAGE_COLUMN = "image"

SPLITS: Mapping[str, str] = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test",
}  # fmt: skip
"""What a split column may say; test images are left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column holds what."""

    image: int
    split: int | None
    targets: tuple[str, ...]


def csv_listing(spec: DatasetSpec, wants: DataWants, allowed_roots: Sequence[str]) -> Listing:
    """Return the images of a table.

    Raises:
        DataInvalid: the table cannot be read, lacks a column, or does not fit the model.
        PathOutsideRoots: the table or an image in it is outside of the allowed roots.
    """
    table = read_table(allowed_file(spec.path, allowed_roots))
    columns = _columns(table, spec.csv, wants)
    _require_header(table, columns, _images_folder(spec, table, allowed_roots), allowed_roots)
    parts = _split_rows(table, columns)
    if spec.validation_path:
        held_out = read_table(allowed_file(spec.validation_path, allowed_roots))
        if held_out.path == table.path:
            raise DataInvalid(f"{spec.validation_path!r} is the training table itself")
        moved = _columns(held_out, replace(spec.csv, target_columns=columns.targets), wants)
        parts = {
            "train": (table, columns, [*parts["train"][2], *parts["validation"][2]]),
            "validation": (held_out, moved, list(held_out.rows)),
        }
    return _listing(parts, spec, wants, allowed_roots)


Part = tuple[Table, Columns, list[Row]]


def _listing(
    parts: Mapping[str, Part], spec: DatasetSpec, wants: DataWants, allowed_roots: Sequence[str]
) -> Listing:
    table, columns, train_rows = parts["train"]
    held_out, moved, validation_rows = parts["validation"]
    reader = READERS[wants.task](
        TargetColumns(names=columns.targets, separator=spec.csv.label_separator),
        _cells(table, train_rows, columns.targets),
        wants,
        allowed_roots,
    )

    def samples(table: Table, columns: Columns, rows: list[Row]) -> Samples:
        folder = _images_folder(spec, table, allowed_roots)
        paths = [folder / row.cells[columns.image] for row in rows]
        faults = {
            position: f"line {row.line}: {fault}"
            for position, (row, path) in enumerate(zip(rows, paths, strict=True))
            if (fault := row.fault or _path_fault(row.cells[columns.image], path, allowed_roots))
        }
        truth, wrong = reader.truth(_cells(table, rows, columns.targets), folder)
        for position, reason in wrong.items():
            faults.setdefault(position, f"line {rows[position].line}: {reason}")
        return Samples(pictures=file_pictures(paths), truth=truth, faults=faults)

    return Listing(
        class_names=reader.class_names,
        train=samples(table, columns, train_rows),
        validation=samples(held_out, moved, validation_rows) if validation_rows else None,
    )


def _columns(table: Table, source: CsvSource, wants: DataWants) -> Columns:
    default = IMAGE_COLUMN if IMAGE_COLUMN in table.header else table.header[0]
    image = source.image_column or default
    split = source.split_column
    taken = {image, split}
    targets = source.target_columns
    if not targets and wants.task != "simclr":
        targets = tuple(name for name in table.header if name not in taken)
    for name in targets:
        table.place(name)
    return Columns(
        image=table.place(image), split=table.place(split) if split else None, targets=targets
    )


def _require_header(
    table: Table, columns: Columns, folder: Path, allowed_roots: Sequence[str]
) -> None:
    """Raise DataInvalid where the first line names an image: it would be lost without a word."""
    first = table.header[columns.image]
    try:
        is_image = is_allowed_file(folder / first, allowed_roots)
    except (DataInvalid, PathOutsideRoots):  # no column name has to be a path
        return
    if is_image:
        raise DataInvalid(
            f"{str(table.path)!r} begins with an image, {first!r}; a table starts with a line of"
            " column names, such as image,label"
        )


def _split_rows(table: Table, columns: Columns) -> dict[str, Part]:
    if columns.split is None:
        return {"train": (table, columns, list(table.rows)), "validation": (table, columns, [])}
    words = [row.cells[columns.split].lower() for row in table.rows]
    if unknown := sorted({repr(word) for word in words if word not in SPLITS}):
        raise DataInvalid(
            f"{str(table.path)!r} has the splits {listed(unknown)}; known are {', '.join(SPLITS)}"
        )
    rows: dict[str, list[Row]] = {"train": [], "validation": [], "test": []}
    for word, row in zip(words, table.rows, strict=True):
        rows[SPLITS[word]].append(row)
    return {name: (table, columns, rows[name]) for name in ("train", "validation")}


def _cells(table: Table, rows: Sequence[Row], targets: Sequence[str]) -> list[tuple[str, ...]]:
    places = [table.place(name) for name in targets]
    return [tuple(row.cells[place] for place in places) for row in rows]


def _images_folder(spec: DatasetSpec, table: Table, allowed_roots: Sequence[str]) -> Path:
    if not spec.csv.images_path:
        return table.path.parent
    return allowed_folder(spec.csv.images_path, allowed_roots)


def _path_fault(cell: str, path: Path, allowed_roots: Sequence[str]) -> str:
    """Return what is wrong with an image's path.

    Raises:
        PathOutsideRoots: it leaves the allowed roots; that is no slip of one row.
    """
    if not cell:
        return "no image is named"
    return "" if is_allowed_file(path, allowed_roots) else "no such file"
