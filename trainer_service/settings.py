"""The trainer's settings, read from the environment once, by `__main__` alone."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from catalog_service.serving.child_environment import inherited
from catalog_service.serving.door_settings import DoorSettings
from catalog_service.serving.listen import Listen
from catalog_service.serving.settings_reader import (
    Address,
    ExpandedPath,
    OptionalPath,
    PathList,
    UrlList,
)
from trainer_service.jobs.run_spec import EngineName

ENV_PREFIX = "VERTEBRA_TRAINER_"

DEFAULT_FEATURE_CACHE_BYTES = 20 * 2**30
"""A million images of 4 kB of pooled features each, or 50,000 of stage maps."""

DEFAULT_HOST_TIMEOUT_S = 60.0
"""A restart of the service, or of the database, takes less."""


class TrainerSettings(DoorSettings):
    """Each field is the variable `VERTEBRA_TRAINER_<FIELD>`."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, frozen=True, use_attribute_docstrings=True
    )

    listen: Address = Listen(host="127.0.0.1", port=50552)
    """Where the gRPC services answer; port 0 lets the system choose."""

    admin_listen: Address = Listen(host="127.0.0.1", port=50562)
    """Where /metrics, /live and /ready answer."""

    home: ExpandedPath = Path("~/.local/share/vertebra").expanduser()
    """Folder for everything that the trainer keeps: the job database, attempts, exports."""

    blobs: OptionalPath = None
    """Folder of the blob store; `<home>/blobs` unless given. Where it is the catalog's folder too,
    nothing is copied between the two.
    """

    share_paths: bool | None = None
    """Whether callers on this host are told where a blob is on the disk, to map it instead of
    reading it. Unless given: only while `listen` is a loopback address. Turn it off where a proxy
    on this host lets others in; they would be told paths."""

    database_url: str = ""
    """SQLAlchemy URL of the job store; `sqlite:///<home>/trainer.db` unless given. In PostgreSQL's,
    `?password_file=FILE` names a file with the password, read for each connection."""

    catalog: str = "127.0.0.1:50551"
    """Where the catalog answers."""

    catalog_tls: bool = False
    """Whether the catalog is reached by TLS and shows a certificate that this host's authorities
    vouch for; with `catalog_ca` or `catalog_cert` it is anyway."""

    catalog_ca: OptionalPath = None
    """PEM file with the authorities of the catalog's certificate."""

    catalog_cert: OptionalPath = None
    """PEM file with the certificate that this trainer shows the catalog; read again when it
    changes, as its key and the token."""

    catalog_key: OptionalPath = None
    """PEM file with its private key."""

    catalog_token_file: OptionalPath = None
    """File with the token that this trainer shows the catalog."""

    catalog_server_name: str = ""
    """The name in the catalog's certificate, where it is not the address."""

    data_roots: PathList = (Path("~").expanduser(),)
    """Folders below which images may be read."""

    feature_cache_bytes: int = Field(default=DEFAULT_FEATURE_CACHE_BYTES, ge=0)
    """The most that kept outputs of frozen parts take below `<home>/features`; those that were not
    used for the longest time go first. 0 keeps none after a job."""

    data_urls: UrlList = ()
    """What URLs of data must start with, such as `s3://bucket/folder`, separated by commas; none
    unless given. Needs the extra `remote`. What is fetched lies in `<home>/data`."""

    slots: int = Field(default=1, ge=1, le=64)
    """How many devices a CPU counts as; each job has one, unless it asks for more. They share the
    cores evenly. GPUs are one device each, whatever this says."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where jobs train; `auto` takes CUDA where this process may use a GPU."""

    supervise: bool = True
    """Whether this process runs jobs. Without, it only answers callers, beside others that run jobs
    from the same `database_url`."""

    host_timeout_s: float | None = Field(default=None, ge=0)
    """After so many seconds without its supervisor a worker saves and goes; after twice that
    another host takes its job over. 0: never. Unless given: 60 with a database server, 0 with
    SQLite."""

    artifacts: OptionalPath = None
    """Folder of snapshots; `home` unless given. With several hosts one that all of them can reach:
    a host goes on from what another one saved."""

    grace_s: float = Field(default=25.0, gt=0, le=3600)
    """Seconds that a worker has to save and go when it is told to go."""

    on_stop: Literal["leave", "preempt"] = "leave"
    """What becomes of running jobs when the service is stopped: `leave`: their workers go on, and
    the next start finds them; `preempt`: they save and go within `grace_s`, and wait in the queue
    for another host, or for this one."""

    events_kept: int = Field(default=200_000, ge=1000)
    """The most events of a job that are kept; the oldest go first."""

    ray: str = ""
    """Address of a Ray cluster, such as `ray://head:10001`, or `auto` on a node of it, for jobs
    with the engine `ray`; such jobs are refused unless it is given. Needs the extra `ray`."""

    ray_jobs: int = Field(default=8, ge=1)
    """The most jobs that this host has on the Ray cluster at once."""

    ready_file: OptionalPath = None
    """Written when the service answers, as JSON: address, admin_address, pid."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least important messages that are logged."""

    log_format: Literal["json", "text"] = "json"
    """`json`: one JSON object a line; `text`: plain lines for people."""

    @property
    def blobs_folder(self) -> Path:
        """Folder of the blob store."""
        return self.blobs or self.home / "blobs"

    @property
    def shares_paths(self) -> bool:
        """Whether callers on this host are told where a blob is."""
        return self.listen.is_loopback if self.share_paths is None else self.share_paths

    @property
    def jobs_url(self) -> str:
        """SQLAlchemy URL of the job store."""
        return self.database_url or f"sqlite:///{self.home / 'trainer.db'}"

    @property
    def host_timeout(self) -> float:
        """After how many seconds a host that says nothing counts as lost; 0: never."""
        if self.host_timeout_s is None:
            return 0.0 if self.jobs_url.startswith("sqlite") else DEFAULT_HOST_TIMEOUT_S
        return self.host_timeout_s

    @property
    def engines(self) -> frozenset[EngineName]:
        """What runs jobs here."""
        return frozenset({"process", "ray"} if self.ray else {"process"})


def worker_environment() -> dict[str, str]:
    """Return what workers inherit: nothing that only a service needs, such as a password."""
    return inherited(os.environ)


def visible_gpus() -> str | None:
    """Return CUDA_VISIBLE_DEVICES of this process; None where it is not set."""
    return os.environ.get("CUDA_VISIBLE_DEVICES")


def num_cores() -> int:
    """Return the cores that this process may use, which can be fewer than the host has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
