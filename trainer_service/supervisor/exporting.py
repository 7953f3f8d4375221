"""What becomes of an export: into the blob store, then into the catalog if that was asked for."""

import asyncio
import math
import shutil
import time
import uuid
from dataclasses import replace
from pathlib import Path

from catalog_service.blobs.blob_pins import pins_of
from catalog_service.blobs.disk import DiskFull
from catalog_service.blobs.store import BlobStore
from catalog_service.errors import Corrupt, VertebraError, listed
from catalog_service.models.backbone_structure import structure_of
from trainer_service.catalog_gateway import NewCheckpoint
from trainer_service.job_store import JobRecord, Outcome
from trainer_service.jobs import Export, ExportFile, Finished, JobState
from trainer_service.jobs.exports import ExportFileKind
from trainer_service.jobs.lineage import export_lineage
from trainer_service.supervisor.endings import failed, failed_by
from trainer_service.supervisor.patience import patiently
from trainer_service.supervisor.rooms import Rooms, Timing

REQUEST_IDS = uuid.UUID("6f0d3c1e-6f0a-5c38-9a41-3f0f5c1d7b52")
"""Namespace of request ids made from a job and a digest: asking twice is asking once."""

REQUIRED_KINDS: tuple[ExportFileKind, ...] = (
    "backbone_safetensors",
    "backbone_ckpt",
    "model_safetensors",
    "metadata",
)
"""Without these there is no export; views of the run may be missing."""

MAX_METRICS = 100
"""So many the catalog keeps of a checkpoint."""


async def export_outcome(job: JobRecord, word: Finished, rooms: Rooms, timing: Timing) -> Outcome:
    """Return how a job ends whose worker finished; may be asked again, and says the same.

    Raises:
        DiskFull: the blob store has no room for the export, and had none for a long time.
    """
    try:
        exports = await patiently(
            lambda: asyncio.to_thread(adopt_exports, word, rooms.blobs, job.job_id), timing
        )
    except DiskFull:
        raise
    except VertebraError as error:
        return failed_by(error)
    if not exports:
        return failed("EXPORT_MISSING", "the worker finished without an export")
    export = exports[0]
    if not job.spec.export.register_as:
        return Outcome(state=JobState.SUCCEEDED, export=export)
    checkpoint = new_checkpoint(job, export)
    try:
        name = await patiently(lambda: rooms.catalog.register(checkpoint), timing)
    except VertebraError as error:
        message = f"exported, but not registered as {checkpoint.checkpoint_id!r}: {error.message}"
        return replace(failed("REGISTRATION_FAILED", message), export=export)
    return Outcome(state=JobState.SUCCEEDED, export=replace(export, checkpoint=name))


def adopt_exports(word: Finished, blobs: BlobStore, job_id: str) -> list[Export]:
    """Return the exports with their files' digests, once the store has the bytes.

    They are pinned: the store may be the catalog's, which evicts what it could have again, and
    what a job trained it could not.

    Raises:
        Corrupt: EXPORT_MISSING, a file is not there or was not named at all.
        DigestMismatch: a file is not what the worker wrote and read back.
        DiskFull: no room for them in the store; the files stay where the worker left them.
    """
    pins = pins_of(blobs.root)
    for export in word.exports:
        _require_whole(export)
    now = time.time()
    exports = [
        replace(
            export,
            number=number,
            create_time=now,
            files=tuple(_adopt_file(file, blobs) for file in export.files),
        )
        for number, export in enumerate(word.exports, start=1)
    ]
    for file in (file for export in exports for file in export.files):
        pins.pin(file.digest, f"trainJobs/{job_id}")
    return exports


def discard_unfinished(folder: Path) -> None:
    """Delete what a worker that was killed while it exported had written; nobody reads it."""
    for staged in folder.glob("export.tmp-*"):
        shutil.rmtree(staged, ignore_errors=True)


def _require_whole(export: Export) -> None:
    named = {file.kind for file in export.files}
    if absent := [kind for kind in REQUIRED_KINDS if kind not in named]:
        raise Corrupt(f"the worker exported no {listed(absent)}", reason="EXPORT_MISSING")


def _adopt_file(file: ExportFile, blobs: BlobStore) -> ExportFile:
    try:
        blob = blobs.adopt_file(Path(file.path), expected_digest=file.digest or None)
    except FileNotFoundError as error:
        missing = f"the worker exported {file.path}, which is not there"
        raise Corrupt(missing, reason="EXPORT_MISSING") from error
    return replace(file, digest=blob.digest, size_bytes=blob.size_bytes)


def registered_metrics(export: Export) -> dict[str, float]:
    """Return the metrics that a checkpoint can have: finite ones, and no more than it keeps."""
    finite = {name: value for name, value in export.metrics.items() if math.isfinite(value)}
    return dict(list(finite.items())[:MAX_METRICS])


def new_checkpoint(job: JobRecord, export: Export) -> NewCheckpoint:
    """Return what the catalog is asked to register: the backbone, and where it comes from."""
    assert job.model is not None  # pinned before a worker starts
    backbone = next(file for file in export.files if file.kind == "backbone_safetensors")
    return NewCheckpoint(
        request_id=str(uuid.uuid5(REQUEST_IDS, f"{job.job_id} {backbone.digest}")),
        checkpoint_id=job.spec.export.register_as,
        architecture_id=export.architecture_id,
        path=backbone.path,
        digest=backbone.digest,
        lineage=export_lineage(
            job.job_id,
            job.spec,
            job.model,
            plan=job.plan,
            epoch=export.epoch,
            source_digest=backbone.digest,
        ),
        metrics=registered_metrics(export),
        mean=job.model.input.mean,
        std=job.model.input.std,
        structure=structure_of(job.model.spec, job.model.layout),
    )
