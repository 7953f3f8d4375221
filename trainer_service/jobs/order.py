"""What the supervisor tells a worker, and the files of the folder in which they meet.

<home>/jobs/<job id>/attempt-<n>/
    order.json    the WorkOrder; whole before the worker starts
    lock          held by the one worker that works here
    worker.json   who works here: pid, start time, nonce
    spool.jsonl   what the worker says, a line an event
    log.txt       its standard output and error
    control.json  what the worker is to do, see control.py
    heartbeat     touched by the supervisor
    alive         touched by the worker
    spans.jsonl   what of its work took how long, where somebody wants to know; see trace.py

Beside the attempts lie `run`, with the files that TensorBoard shows while the job runs, and
`snapshots`, which all attempts share.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from catalog_service.models.plain_json import MalformedJson, from_plain, to_plain
from trainer_service.jobs.json_file import write_json_file
from trainer_service.jobs.model import JobModel
from trainer_service.jobs.snapshot import SnapshotRef
from trainer_service.jobs.spec import JobSpec

ORDER_FILE = "order.json"
LOCK_FILE = "lock"
WORKER_FILE = "worker.json"
SPOOL_FILE = "spool.jsonl"
LOG_FILE = "log.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOrder:
    """Everything a worker gets. It talks to no service."""

    job_id: str
    attempt: int
    """Starts at 1."""
    nonce: str
    """Random; proves that a worker is the one that was started for this attempt."""
    spec: JobSpec
    model: JobModel
    export_dir: str
    """Where the export goes; it is renamed into place when it is whole."""
    num_threads: int
    device: Literal["cpu", "cuda"] = "cpu"
    allowed_roots: tuple[str, ...] = ()
    features_folder: str = ""
    """Where outputs of frozen parts are kept for later jobs; empty keeps none."""
    features_budget_bytes: int = 0
    """The most that may lie there; the oldest go first."""
    staging_folder: str = ""
    """Where data behind URLs is mirrored; empty fetches none."""
    run_folder: str = ""
    """Where views of the run are written while it runs; empty writes none."""
    snapshots_folder: str = ""
    """Where this job's snapshots lie; empty takes none."""
    resume_from: tuple[SnapshotRef, ...] = ()
    """To go on from, the best choice first: where one is damaged the next is taken, and the worker
    says so. Empty begins at the start.
    """
    last_told_step: int = 0
    """The last step that earlier attempts told of, for RolledBack."""
    device_indices: tuple[int, ...] = (0,)
    """Of this host, one a rank."""
    grace_s: float = 25.0
    """How long the worker has when it is told to go from outside."""
    supervisor_silence_s: float = 0.0
    """The worker saves and goes when the heartbeat is older; 0 means that it never does."""
    span_parent: str = ""
    """The id of the attempt's span, for the worker's; empty where nobody wants to know."""
    spans_file: str = ""
    """Where the worker writes its spans."""

    @property
    def num_ranks(self) -> int:
        """Return how many processes train together."""
        return self.spec.run.num_devices


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerIdentity:
    """A process that no later process with the same pid can be taken for."""

    pid: int
    start_time: float
    """psutil's `create_time`."""
    nonce: str


def write_order(folder: Path, order: WorkOrder) -> None:
    """Write `order.json`; it is never seen half-written."""
    write_json_file(folder / ORDER_FILE, to_plain(order))


def read_order(folder: Path) -> WorkOrder:
    """Return the order of an attempt.

    Raises:
        FileNotFoundError: none was written.
        MalformedJson: it is not an order of this release.
    """
    return from_plain(WorkOrder, json.loads((folder / ORDER_FILE).read_text("utf-8")))


def write_identity(folder: Path, identity: WorkerIdentity) -> None:
    """Write `worker.json`; it is never seen half-written."""
    write_json_file(folder / WORKER_FILE, to_plain(identity))


def read_identity(folder: Path) -> WorkerIdentity | None:
    """Return who works in `folder`, None where nobody has started to."""
    try:
        data = json.loads((folder / WORKER_FILE).read_text("utf-8"))
        return from_plain(WorkerIdentity, data)
    except (FileNotFoundError, json.JSONDecodeError, MalformedJson):
        return None
