"""Kept features on disk, for later jobs: whole and verified, or not there.

<folder>/<key>/features.safetensors    the tables, mapped by whoever uses them
<folder>/<key>/record.json             size and sha256; its time is that of the last use
<folder>/.staging/<random>/            what a process is writing, with a lock that it holds

A folder gets its key as its name once it is whole. Removing one never disturbs who has it mapped.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from catalog_service.blobs.digests import sha256_of_file
from catalog_service.blobs.disk import naming_disk_errors, sync_folder, write_whole
from catalog_service.blobs.safetensors_file import (
    ALIGNED_BYTES,
    MalformedSafetensors,
    TensorSpec,
    aligned_order,
    header_bytes,
)
from catalog_service.models.dtypes import TORCH_DTYPES, spelling_of
from catalog_service.models.mapped_file import map_tensors
from trainer_service.features.table import Form

FEATURES_FILE = "features.safetensors"
RECORD_FILE = "record.json"
LOCK_FILE = "lock"
STAGING = ".staging"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """A table that is to be kept."""

    name: str
    form: Form
    num_rows: int

    @property
    def num_bytes(self) -> int:
        """Return how large it is."""
        return self.num_rows * self.form.num_bytes


class FeatureFolder:
    """Features by key, at most so many bytes of them."""

    def __init__(self, root: Path, budget_bytes: int, say: Callable[[str], None]) -> None:
        self._root = root
        self._budget_bytes = budget_bytes
        self._say = say

    def find(self, key: str, tables: list[TableSpec]) -> dict[str, Tensor] | None:
        """Return the rows of kept tables by name, or None; what is damaged is removed and said."""
        place = self._root / key
        if not place.is_dir():
            return None
        try:
            found = _verified(place, tables)
        except (OSError, ValueError, KeyError, MalformedSafetensors) as error:
            self._say(f"kept features {key} are damaged ({error}): they are computed again")
            self._remove(place)
            return None
        with suppress(OSError):
            os.utime(place / RECORD_FILE)
        return found

    def has_room_for(self, num_bytes: int) -> bool:
        """Whether so many bytes may be kept at all."""
        if num_bytes > self._budget_bytes:
            return False
        self._root.mkdir(parents=True, exist_ok=True)
        return num_bytes < shutil.disk_usage(self._root).free

    def draft(self, key: str, tables: list[TableSpec]) -> "Draft":
        """Return tables to be filled; others make room for them.

        Raises:
            DiskFull: there is no room after all.
        """
        self._sweep()
        self._make_room(sum(table.num_bytes for table in tables))
        return Draft(self._root, key, tables)

    def _make_room(self, num_bytes: int) -> None:
        kept = sorted(self._root.glob(f"*/{RECORD_FILE}"), key=_time_of)
        total = num_bytes + sum(_size_of(record.parent) for record in kept)
        for record in kept:
            if total <= self._budget_bytes:
                return
            total -= _size_of(record.parent)
            self._remove(record.parent)

    def _remove(self, place: Path) -> None:
        """Take it out of sight at once, then away."""
        away = _new_staging(self._root)
        with suppress(FileNotFoundError):
            place.rename(away / place.name)
        shutil.rmtree(away, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what processes left that are no more."""
        for staged in (self._root / STAGING).glob("*"):
            with suppress(OSError), (staged / LOCK_FILE).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(staged, ignore_errors=True)


class Draft:
    """Tables on disk that nobody sees yet. Use it in a `with`: what was not committed goes away."""

    def __init__(self, root: Path, key: str, tables: list[TableSpec]) -> None:
        self._place = root / key
        self._folder = _new_staging(root)
        self._lock = (self._folder / LOCK_FILE).open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._path = self._folder / FEATURES_FILE
        self._specs = aligned_order([_tensor_spec(table) for table in tables])
        self.rows = self._mapped()
        """By table: [N, number of elements], to be filled."""

    def __enter__(self) -> "Draft":
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def commit(self) -> None:
        """Let others see it; where another process was faster, its own stays."""
        with self._path.open("rb") as file:
            os.fsync(file.fileno())
        record = {"size_bytes": self._path.stat().st_size, "sha256": sha256_of_file(self._path)}
        write_whole(self._folder / RECORD_FILE, json.dumps(record).encode())
        (self._folder / LOCK_FILE).unlink()
        with suppress(OSError):  # a folder of that name is there, and not empty
            self._folder.rename(self._place)
            sync_folder(self._place.parent)

    def _mapped(self) -> dict[str, Tensor]:
        """Return the tables' rows in the file's own memory. All its bytes are reserved first: a
        full disk would otherwise kill the process at some later write."""
        header = header_bytes(self._specs, align_bytes=ALIGNED_BYTES)
        size = len(header) + sum(spec.size_bytes for spec in self._specs)
        with naming_disk_errors("keep features"), self._path.open("wb") as file:
            file.write(header)
            os.posix_fallocate(file.fileno(), 0, size)
        whole = torch.from_file(str(self._path), shared=True, size=size, dtype=torch.uint8)
        rows, start = {}, len(header)
        for spec in self._specs:
            part = whole[start : start + spec.size_bytes]
            rows[spec.name] = part.view(TORCH_DTYPES[spec.dtype]).view(spec.shape)
            start += spec.size_bytes
        return rows


def _verified(place: Path, tables: list[TableSpec]) -> dict[str, Tensor]:
    """Return the mapped rows.

    Raises:
        ValueError: they are not what was written, or not of these tables.
    """
    record = json.loads((place / RECORD_FILE).read_text("utf-8"))
    path = place / FEATURES_FILE
    if path.stat().st_size != record["size_bytes"]:
        raise ValueError(f"{path.stat().st_size:,} bytes, written were {record['size_bytes']:,}")
    if sha256_of_file(path) != record["sha256"]:
        raise ValueError("the sha256 is another than when they were written")
    specs = {table.name: _tensor_spec(table) for table in tables}
    found = map_tensors(path)
    shapes = {name: (spelling_of(rows.dtype), tuple(rows.shape)) for name, rows in found.items()}
    if shapes != {name: (spec.dtype, spec.shape) for name, spec in specs.items()}:
        raise ValueError("other tables than these")
    return found


def _tensor_spec(table: TableSpec) -> TensorSpec:
    shape = (table.num_rows, table.form.num_elements)
    return TensorSpec(name=table.name, dtype=spelling_of(table.form.dtype), shape=shape)


def _new_staging(root: Path) -> Path:
    staged = root / STAGING / os.urandom(8).hex()
    staged.mkdir(parents=True)
    return staged


def _time_of(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _size_of(place: Path) -> int:
    with suppress(OSError):
        return (place / FEATURES_FILE).stat().st_size
    return 0
