"""Jobs in a store, brought to where a test needs them."""

import uuid
from collections.abc import Mapping
from dataclasses import replace

from tests.fakes.job_values import job_model, job_spec
from trainer_service.job_store import Attempt, Hold, JobRecord, JobStore, NewJob
from trainer_service.jobs import (
    Export,
    ExportFile,
    JobEvent,
    JobSpec,
    JobState,
    LastWord,
    RunSpec,
    SnapshotRef,
    SnapshotTaken,
    SpoolLine,
)

HOST = "host-a"

EXPORT = Export(
    architecture_id="resnet18",
    backbone_digest="sha256:1",
    state_digest="sha256:2",
    files=(ExportFile(kind="metadata", path="/x/metadata.json"),),
)


class SetClock:
    """A clock that stands still until it is set."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time that it was set to."""
        return self.now


def new_job(*, request_id: str = "", spec: JobSpec | None = None) -> NewJob:
    """Return a creation with an id of its own."""
    spec = spec or job_spec()
    return NewJob(
        spec=spec,
        sent_spec='{"backbone": "resnet18"}',
        request_id=request_id or str(uuid.uuid4()),
        request_hash=repr(spec.display_name),
    )


def spec_with(
    *, labels: Mapping[str, str] | None = None, display_name: str = "pets", **run: object
) -> JobSpec:
    """Return a spec with labels, and with fields of its RunSpec."""
    spec = job_spec(display_name=display_name)
    return replace(spec, labels=labels or {}, run=RunSpec(**run))  # type: ignore[arg-type]


def queued_job(store: JobStore, spec: JobSpec | None = None) -> str:
    """Return the id of a job that waits."""
    return store.create_job(new_job(spec=spec)).job.job_id


def claimed_job(store: JobStore, spec: JobSpec | None = None, *, lease_s: float = 0.0) -> Attempt:
    """Return the first attempt of a job that is PREPARING on `HOST`."""
    return store.claim(queued_job(store, spec), HOST, lease_s)


def running_job(store: JobStore, spec: JobSpec | None = None, *, lease_s: float = 0.0) -> Hold:
    """Return the hold of a job that is RUNNING in its first attempt on `HOST`."""
    attempt = claimed_job(store, spec, lease_s=lease_s)
    store.pin_model(attempt.hold, job_model())
    store.move(attempt.hold, JobState.RUNNING)
    return attempt.hold


def started_again(store: JobStore, job_id: str) -> Hold:
    """Return the hold of a waiting job's next attempt, RUNNING."""
    hold = store.claim(job_id, HOST, 0.0).hold
    store.move(hold, JobState.RUNNING)
    return hold


def cancel(store: JobStore, job_id: str, reason: str = "enough") -> JobRecord:
    """Ask a job to stop, with a new request id."""
    request_id = str(uuid.uuid4())
    asked = {"request_id": request_id, "request_hash": "h", "reason": reason}
    return store.request_cancel(job_id, **asked).job


def pause(store: JobStore, job_id: str, within_s: float = 60.0) -> JobRecord:
    """Ask a job to pause, with a new request id."""
    request_id = str(uuid.uuid4())
    return store.request_pause(
        job_id, request_id=request_id, request_hash="h", reason="lunch", within_s=within_s
    )


def resume(store: JobStore, job_id: str, snapshot_id: str = "") -> JobRecord:
    """Ask a job to go on, with a new request id."""
    return store.request_resume(
        job_id,
        request_id=str(uuid.uuid4()),
        request_hash="h",
        reason="go on",
        snapshot_id=snapshot_id,
    )


def delete(store: JobStore, job_id: str) -> None:
    """Delete a job, with a new request id."""
    store.delete_job(job_id, request_id=str(uuid.uuid4()), request_hash="h")


def lines(*events: JobEvent | LastWord, first: int = 0) -> list[SpoolLine]:
    """Return events as a worker spools them."""
    return [
        SpoolLine(index=index, time=100.0 + index, event=event)
        for index, event in enumerate(events, start=first)
    ]


def snapshot(attempt: int, step: int, *, is_best: bool = False) -> SnapshotTaken:
    """Return what a worker says of a snapshot."""
    return SnapshotTaken(
        snapshot=SnapshotRef(
            attempt=attempt,
            step=step,
            epoch=0,
            path=f"/jobs/x/snapshots/{attempt}-{step}",
            digest=f"sha256:{'cd' * 32}",
            size_bytes=1000,
            save_s=0.5,
            create_time=200.0 + step,
            is_best=is_best,
        )
    )


def all_events(store: JobStore, job_id: str) -> list[JobEvent]:
    """Return a job's whole log."""
    return [record.event for record in store.events(job_id, after_seq=0, limit=100_000)]


def ids_of(store: JobStore) -> list[str]:
    """Return every job's id, the newest first."""
    return [job.job_id for job in store.page_of_jobs(page_size=1000).items]
