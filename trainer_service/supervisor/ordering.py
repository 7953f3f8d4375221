"""What an attempt needs before its worker starts: the model's bytes on this host, and the order."""

import asyncio
from dataclasses import replace
from pathlib import Path

from catalog_service.errors import Corrupt
from trainer_service.catalog_gateway import Catalog
from trainer_service.errors import CatalogUnavailable
from trainer_service.job_store import Hold, JobRecord
from trainer_service.jobs import JobModel, SnapshotRef, WorkOrder, write_order
from trainer_service.jobs.trace import SPANS_FILE
from trainer_service.supervisor.attempt_spans import span_parent
from trainer_service.supervisor.patience import patiently
from trainer_service.supervisor.retention import sweep_leftovers
from trainer_service.supervisor.room_reserve import keep_reserve
from trainer_service.supervisor.rooms import Rooms, Timing


async def model_for(job: JobRecord, catalog: Catalog, timing: Timing) -> JobModel:
    """Return the job's model with its files on this host. Once pinned it is never another one.

    Raises:
        CatalogUnavailable: it is still building after `timing.prepare_s`.
        Corrupt: STATE_NOT_AS_ORDERED, the catalog builds other numbers by now.
    """
    pinned = job.model
    if pinned is not None and await asyncio.to_thread(_is_here, pinned):
        return pinned
    try:
        async with asyncio.timeout(timing.prepare_s):
            model = await patiently(lambda: catalog.prepare(job.spec.model), timing)
    except TimeoutError as error:
        raise CatalogUnavailable(
            f"the catalog has not built the model within {timing.prepare_s:g} s: see why in its"
            " log, then resume the job"
        ) from error
    if pinned is not None and model.state_digest != pinned.state_digest:
        raise Corrupt(
            f"the job began with the state {pinned.state_digest}, and the catalog now builds"
            f" {model.state_digest} from the same spec: start a new job",
            reason="STATE_NOT_AS_ORDERED",
        )
    return model


def _is_here(model: JobModel) -> bool:
    return all(Path(path).is_file() for path in (model.backbone_path, model.head_path))


def order_attempt(
    hold: Hold,
    job: JobRecord,
    model: JobModel,
    rooms: Rooms,
    device_indices: tuple[int, ...],
) -> None:
    """Write the attempt's order, with nothing beside it that dead attempts left half-done."""
    sweep_leftovers(hold, rooms)
    keep_reserve(rooms.home)
    attempt = rooms.store.attempt(hold.job_id)
    assert attempt is not None
    folder = rooms.attempt_folder(hold.job_id, hold.attempt)
    folder.mkdir(parents=True, exist_ok=True)
    order = WorkOrder(
        job_id=hold.job_id,
        attempt=hold.attempt,
        nonce=attempt.nonce,
        spec=job.spec,
        model=model,
        export_dir=str(folder / "export"),
        num_threads=rooms.num_threads,
        device=rooms.device,
        allowed_roots=rooms.allowed_roots,
        staging_folder=str(rooms.staging_folder),
        features_folder=str(rooms.features_folder),
        features_budget_bytes=rooms.features_budget_bytes,
        run_folder=str(rooms.run_folder(hold.job_id)),
        snapshots_folder=str(rooms.snapshots_folder(hold.job_id)),
        resume_from=begin_with(hold.job_id, rooms),
        last_told_step=job.progress.step,
        device_indices=device_indices,
        grace_s=rooms.grace_s,
        supervisor_silence_s=rooms.host_timeout_s,
        span_parent=span_parent(job, attempt, rooms),
        spans_file=str(folder / SPANS_FILE),
    )
    write_order(folder, order)


def begin_with(job_id: str, rooms: Rooms) -> tuple[SnapshotRef, ...]:
    """Return the snapshots to go on from, where this host sees them."""
    folder = rooms.snapshots_folder(job_id)
    refs = rooms.store.resume_from(job_id)
    return tuple(replace(ref, path=str(folder / ref.snapshot_id)) for ref in refs)
