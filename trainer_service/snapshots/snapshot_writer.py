"""Saving: a folder appears under its name when every byte of it is on the disk and was read back.

    stage -> write and flush each file -> write and flush the manifest -> flush the folder
    -> read everything back -> rename -> flush the parent

A process that dies in between leaves a staged folder, which nobody takes for a snapshot.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from catalog_service.blobs.disk import naming_disk_errors, sync_folder
from catalog_service.blobs.safetensors_file import (
    ALIGNED_BYTES,
    TensorSpec,
    aligned_order,
    header_bytes,
)
from catalog_service.models.dtypes import spelling_of
from catalog_service.models.plain_json import to_plain
from trainer_service.jobs import SnapshotRef
from trainer_service.jobs.snapshot import MANIFEST_FILE, STAGED_PREFIX
from trainer_service.snapshots.manifest import FileRecord, Manifest
from trainer_service.snapshots.saved_state import SavedState, Tensors
from trainer_service.snapshots.verifying import digest_of, require_whole

PROGRESS_FILE, VIEWS_FILE = "progress.json", "views.json"


class SnapshotWriter:
    """Writes the snapshots of one attempt.

    Args:
        folder: of the job's snapshots; it need not be there.
    """

    def __init__(self, folder: Path, *, job_id: str, attempt: int) -> None:
        self._folder = folder
        self._job_id = job_id
        self._attempt = attempt

    def write(self, state: SavedState) -> SnapshotRef:
        """Return when the state is on the disk, whole, and was read back.

        Raises:
            DiskFull: there is no room; nothing is left of it.
            SnapshotDamaged: the disk does not give back what it was given.
            OSError: anything else that a disk may say.
        """
        began = time.monotonic()
        step = state.progress.step
        with naming_disk_errors("save a snapshot", self._folder), self._staged(step) as staged:
            records = [*_tensor_files(staged, state), *_documents(staged, state)]
            written = _written(staged, self._manifest(state, records))
            sync_folder(staged)
            digest = digest_of(staged / MANIFEST_FILE)
            require_whole(staged, digest)
            place = self._folder / f"{self._attempt}-{step}"
            staged.rename(place)
            sync_folder(self._folder)
        return SnapshotRef(
            attempt=self._attempt,
            step=step,
            epoch=state.progress.epoch,
            path=str(place),
            digest=digest,
            size_bytes=written.size_bytes + sum(record.size_bytes for record in records),
            save_s=time.monotonic() - began,
            create_time=time.time(),
            is_best=state.progress.is_best,
        )

    @contextmanager
    def _staged(self, step: int) -> Iterator[Path]:
        """Yield an empty folder; nothing is left of it but what was renamed."""
        staged = self._folder / f"{STAGED_PREFIX}{self._attempt}-{step}"
        self._folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir()
        try:
            yield staged
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def _manifest(self, state: SavedState, records: list[FileRecord]) -> Manifest:
        return Manifest(
            job_id=self._job_id,
            attempt=self._attempt,
            step=state.progress.step,
            files=tuple(records),
        )


def _tensor_files(staged: Path, state: SavedState) -> Iterator[FileRecord]:
    for group, tensors in state.tensors.items():
        if tensors:
            yield _with_tensors(staged / f"{group}.safetensors", tensors)


def _documents(staged: Path, state: SavedState) -> Iterator[FileRecord]:
    documents: Mapping[str, object] = {PROGRESS_FILE: state.progress, VIEWS_FILE: state.views}
    for name, value in documents.items():
        if value:
            yield _with_json(staged / name, value)


def _written(staged: Path, manifest: Manifest) -> FileRecord:
    return _with_json(staged / MANIFEST_FILE, manifest)


def _with_json(path: Path, value: object) -> FileRecord:
    text = json.dumps(to_plain(value)).encode()
    with path.open("xb") as file:
        file.write(text)
        _flush(file)
    return FileRecord(name=path.name, size_bytes=len(text), sha256=hashlib.sha256(text).hexdigest())


def _with_tensors(path: Path, tensors: Tensors) -> FileRecord:
    """Write a safetensors file, a tensor in memory at a time."""
    specs = aligned_order([_spec(name, tensor) for name, tensor in tensors.items()])
    hashed, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        for piece in _pieces(specs, tensors):
            file.write(piece)
            hashed.update(piece)
            size += len(piece)
        _flush(file)
    return FileRecord(name=path.name, size_bytes=size, sha256=hashed.hexdigest())


def _pieces(specs: tuple[TensorSpec, ...], tensors: Tensors) -> Iterator[bytes | memoryview]:
    yield header_bytes(specs, align_bytes=ALIGNED_BYTES)
    for spec in specs:
        yield _bytes(tensors[spec.name])


def _spec(name: str, tensor: Tensor) -> TensorSpec:
    return TensorSpec(name=name, dtype=spelling_of(tensor.dtype), shape=tuple(tensor.shape))


def _bytes(tensor: Tensor) -> memoryview:
    flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return flat.numpy().data


def _flush(file: BinaryIO) -> None:
    """Wait for the disk, and forget the pages: what is read back comes from there."""
    file.flush()
    os.fsync(file.fileno())
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
