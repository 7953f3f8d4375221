"""What the supervisor works with, and how long it waits for what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from catalog_service.blobs.store import BlobStore
from trainer_service.catalog_gateway import Catalog
from trainer_service.engines.engine import Engine
from trainer_service.job_store import JobStore
from trainer_service.jobs.run_spec import EngineName
from trainer_service.jobs.snapshot import SNAPSHOTS_FOLDER
from trainer_service.supervisor.job_metrics import JobMetrics
from vertebra.tracing import Tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What the supervisor works with."""

    store: JobStore
    engines: Mapping[EngineName, Engine]
    """What runs jobs here, by the name that they ask for."""
    catalog: Catalog
    blobs: BlobStore
    home: Path
    """Attempts live below `<home>/jobs`."""
    num_threads: int
    """Of each device: a job for two devices of a CPU has twice as many."""
    device: Literal["cpu", "cuda"]
    allowed_roots: tuple[str, ...]
    features_budget_bytes: int = 0
    """The most that cached outputs of frozen parts take below `<home>/features`."""
    host_id: str = "this-host"
    """The owner of the leases of this host's jobs."""
    artifacts: Path | None = None
    """Snapshots live below `<artifacts>/jobs`: a folder that every host of the queue can reach;
    the home where there is only one."""
    host_timeout_s: float = 0.0
    """After so long without its supervisor a worker saves and goes, and after twice that another
    host may take its job over; 0: never, there is only this host."""
    grace_s: float = 25.0
    """How long a worker has that is told to go from outside."""
    max_remote_jobs: int = 0
    """The most that run at once on a cluster, which has devices of its own."""
    events_kept: int = 200_000
    """The most events of a job that are kept; the oldest go first."""
    metrics: JobMetrics = field(default_factory=JobMetrics)
    tracing: Tracing | None = None
    """Where spans go; None: nowhere."""

    def attempt_folder(self, job_id: str, attempt: int) -> Path:
        """Return where the worker of an attempt meets the supervisor."""
        return self.home / "jobs" / job_id / f"attempt-{attempt}"

    def snapshots_folder(self, job_id: str) -> Path:
        """Return where all attempts of a job keep their snapshots, whichever host runs them."""
        return (self.artifacts or self.home) / "jobs" / job_id / SNAPSHOTS_FOLDER

    def run_folder(self, job_id: str) -> Path:
        """Return where a job's views lie while it runs, for TensorBoard."""
        return self.home / "jobs" / job_id / "run"

    @property
    def staging_folder(self) -> Path:
        """Where data behind URLs is mirrored."""
        return self.home / "data"

    @property
    def features_folder(self) -> Path:
        """Where jobs share the cached outputs of frozen parts."""
        return self.home / "features"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long things may take."""

    poll_s: float = 0.1
    """Between two looks at a worker's spool."""
    tick_s: float = 1.0
    """Between two looks at the queue when nobody says that it changed."""
    care_s: float = 10.0
    """Between two rounds of what a host does besides its jobs."""
    grace_s: float = 8.0
    """Between telling a worker to end and killing it: a cancelled job is over within 12 s."""
    exit_s: float = 2.0
    """Between a worker's last word and its end. Nothing is lost by killing it then: what it had to
    say is on the disk, and taking a big program down in order can take long."""
    trouble_s: float = 60.0
    """How long a job is looked after that fails again and again in ways nobody foresaw: a disk
    that is full for a moment passes, a defect does not."""
    first_wait_s: float = 1.0
    """Before the catalog is asked again; doubles every time."""
    longest_wait_s: float = 30.0
    patience_s: float = 600.0
    """How long an absent catalog is waited for: a restart passes, an outage does not."""
    prepare_s: float = 3600.0
    """How long the catalog may take to fetch and build a model while it answers."""
    kill_s: float = 60.0
    """How long a killed process may take to be gone; one that waits for a dead disk never is."""
    stacks_s: float = 2.0
    """How long a hung worker has to print where it hangs."""
    hang_s: float = 120.0
    """The least silence that counts as a hang while batches follow each other."""
    hang_median_steps: float = 20.0
    """So many times the usual time between two step events is no hang either."""
    hang_longest_silences: float = 2.0
    """Nor is so many times the longest silence that the worker came back from."""
    long_phase_s: float = 1800.0
    """The least silence that counts as a hang before the first step and while exporting."""
    first_backoff_s: float = 10.0
    """Before the first retry after a failure; doubles with every further one."""
    longest_backoff_s: float = 300.0
