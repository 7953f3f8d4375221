"""Cells of a table as truths: class names, lists of them, numbers, mask files. A cell that cannot
be understood is a fault of its row, not of the table.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from catalog_service.errors import listed
from trainer_service.datasets.allowed_paths import is_allowed_file
from trainer_service.datasets.class_order import named_outputs, ordered_classes, selected_targets
from trainer_service.datasets.mask_files import mask_files
from trainer_service.datasets.truths import Flags, Labels, Nothing, Numbers, Truth
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid

Cells = Sequence[tuple[str, ...]]
"""A tuple of target cells for every row."""

Faults = Mapping[int, str]
"""Row -> what is wrong with it."""

YES_OR_NO: Mapping[str, float] = {
    "0": 0, "0.0": 0, "false": 0, "no": 0, "1": 1, "1.0": 1, "true": 1, "yes": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetColumns:
    """The columns that hold what is to be learned."""

    names: tuple[str, ...]
    separator: str
    """Between the names of one cell."""


class TargetReader(Protocol):
    """Understands target cells."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the classes (targets) in the model's order."""
        ...

    def truth(self, cells: Cells, folder: Path) -> tuple[Truth, Faults]:
        """Return what is true of the rows; rows with faults have any value.

        Args:
            folder: what paths in cells are relative to.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassReader:
    """One class name a row."""

    class_names: tuple[str, ...]

    def truth(self, cells: Cells, folder: Path) -> tuple[Truth, Faults]:
        """Return labels."""
        outputs = {name: output for output, name in enumerate(self.class_names)}
        values = [outputs.get(name, -1) for (name,) in cells]
        faults = {
            row: _unknown_class([name], self.class_names)
            for row, (name,) in enumerate(cells)
            if values[row] < 0
        }
        labels = np.array([max(value, 0) for value in values], dtype=np.int64)
        return Labels(values=labels, class_names=self.class_names), faults


@dataclass(frozen=True, slots=True, kw_only=True)
class NameListReader:
    """Several class names in one cell."""

    class_names: tuple[str, ...]
    separator: str

    def truth(self, cells: Cells, folder: Path) -> tuple[Truth, Faults]:
        """Return flags."""
        outputs = {name: output for output, name in enumerate(self.class_names)}
        values = np.zeros((len(cells), len(outputs)), dtype=np.float32)
        faults: dict[int, str] = {}
        for row, (cell,) in enumerate(cells):
            names = split_names(cell, self.separator)
            values[row, [outputs[name] for name in names if name in outputs]] = 1
            if unknown := [name for name in names if name not in outputs]:
                faults[row] = _unknown_class(unknown, self.class_names)
        return Flags(values=values), faults


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagReader:
    """A column of 0 and 1 for each class."""

    class_names: tuple[str, ...]
    places: tuple[int, ...]
    """Column of each class."""

    def truth(self, cells: Cells, folder: Path) -> tuple[Truth, Faults]:
        """Return flags."""
        rows = [
            [YES_OR_NO.get(row[place].lower(), math.nan) for place in self.places] for row in cells
        ]
        return _numbers_or_faults(rows, cells, self.places, "neither 0 nor 1", Flags)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberReader:
    """A column of numbers for each target."""

    class_names: tuple[str, ...]
    places: tuple[int, ...]

    def truth(self, cells: Cells, folder: Path) -> tuple[Truth, Faults]:
        """Return numbers."""
        rows = [[_number(row[place]) for place in self.places] for row in cells]
        return _numbers_or_faults(rows, cells, self.places, "no finite number", Numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskReader:
    """A mask's path a row."""

    class_names: tuple[str, ...]
    allowed_roots: Sequence[str]

    def truth(self, cells: Cells, folder: Path) -> tuple[Truth, Faults]:
        """Return masks."""
        paths = [folder / cell for (cell,) in cells]
        faults = {
            row: f"no mask {cells[row][0]!r}"
            for row, path in enumerate(paths)
            if not cells[row][0] or not is_allowed_file(path, self.allowed_roots)
        }
        return mask_files(paths, {}), faults


@dataclass(frozen=True, slots=True, kw_only=True)
class NoTargets:
    """Nothing is learned from the table but images."""

    class_names: tuple[str, ...] = ()

    def truth(self, cells: Cells, folder: Path) -> tuple[Truth, Faults]:
        """Return nothing."""
        return Nothing(num_images=len(cells)), {}


def split_names(cell: str, separator: str) -> list[str]:
    """Return the names of one cell."""
    return [name for part in cell.split(separator) if (name := part.strip())]


def _class_reader(
    columns: TargetColumns, cells: Cells, wants: DataWants, allowed_roots: Sequence[str]
) -> TargetReader:
    _require_one(columns, "a class name")
    return ClassReader(class_names=_classes((name for (name,) in cells if name), wants))


def _flag_reader(
    columns: TargetColumns, cells: Cells, wants: DataWants, allowed_roots: Sequence[str]
) -> TargetReader:
    if len(columns.names) > 1:
        names = ordered_classes(columns.names, wants)
        places = tuple(columns.names.index(name) for name in names)
        return FlagReader(class_names=names, places=places)
    _require_one(columns, "class names")
    found = (name for (cell,) in cells for name in split_names(cell, columns.separator))
    return NameListReader(class_names=_classes(found, wants), separator=columns.separator)


def _number_reader(
    columns: TargetColumns, cells: Cells, wants: DataWants, allowed_roots: Sequence[str]
) -> TargetReader:
    names = selected_targets(columns.names, wants)
    if not names:
        raise DataInvalid("the table has no column of numbers; name them as target_columns")
    return NumberReader(
        class_names=names, places=tuple(columns.names.index(name) for name in names)
    )


def _mask_reader(
    columns: TargetColumns, cells: Cells, wants: DataWants, allowed_roots: Sequence[str]
) -> TargetReader:
    _require_one(columns, "a mask's path")
    return MaskReader(class_names=named_outputs(wants), allowed_roots=allowed_roots)


def _label_reader(
    columns: TargetColumns, cells: Cells, wants: DataWants, allowed_roots: Sequence[str]
) -> TargetReader:
    """Return labels for looking at what was learned, where a column is named; else nothing."""
    if len(columns.names) != 1:
        return NoTargets()
    return ClassReader(class_names=_classes((name for (name,) in cells if name), wants))


MakeReader = Callable[[TargetColumns, Cells, DataWants, Sequence[str]], TargetReader]

READERS: Mapping[str, MakeReader] = {
    "classification": _class_reader,
    "multilabel": _flag_reader,
    "regression": _number_reader,
    "segmentation": _mask_reader,
    "simclr": _label_reader,
}
"""By the task. The cells are those of the training rows: they name the classes."""


def _require_one(columns: TargetColumns, what: str) -> None:
    if len(columns.names) != 1:
        raise DataInvalid(
            f"one column holds {what}, here are {len(columns.names)}"
            f" ({listed([repr(name) for name in columns.names]) or 'none'}): name it as"
            " target_columns"
        )


def _classes(found: Iterable[str], wants: DataWants) -> tuple[str, ...]:
    """Return the classes; where the model names them, others are faults of their rows."""
    names = set(found)
    known = names & set(wants.class_names) if wants.class_names else names
    return ordered_classes(in_order(known), wants)


def in_order(names: Set[str]) -> tuple[str, ...]:
    """Return names sorted; numbers as numbers, so that 10 comes after 9."""
    if all(name.isascii() and name.isdigit() for name in names):
        return tuple(sorted(names, key=int))
    return tuple(sorted(names))


def _unknown_class(found: Sequence[str], names: Sequence[str]) -> str:
    shown = listed([repr(name) for name in found])
    return f"class {shown} is none of {listed([repr(name) for name in names])}"


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _numbers_or_faults(
    rows: list[list[float]],
    cells: Cells,
    places: Sequence[int],
    what: str,
    kind: type[Flags] | type[Numbers],
) -> tuple[Truth, Faults]:
    with np.errstate(over="ignore"):  # 1e300 is no number of 32 bits
        values = np.array(rows, dtype=np.float32).reshape(len(rows), len(places))
    wrong = ~np.isfinite(values)
    faults = {
        int(row): f"{cells[int(row)][places[int(wrong[row].argmax())]]!r} is {what}"
        for row in np.flatnonzero(wrong.any(axis=1))
    }
    return kind(values=np.where(wrong, 0, values)), faults
