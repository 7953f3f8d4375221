"""A host that trains, as every API replica knows it: one row in the job store, told again and again
by the host itself.
"""

from dataclasses import dataclass
from typing import Literal

from trainer_service.jobs.run_spec import EngineName

DeviceKind = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDevice:
    """What one rank of a job trains on."""

    kind: DeviceKind
    index: int
    """Of this host, from 0; what `WorkOrder.device_indices` names."""
    description: str = ""
    """`NVIDIA H200`; of a CPU its number of cores for each job."""
    memory_bytes: int = 0
    """0 where it is not known."""
    handle: str = ""
    """Its name in CUDA_VISIBLE_DEVICES: `GPU-5c1f...`, `MIG-...`, or a number; empty on a CPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRecord:
    """A host and what it says of itself."""

    host_id: str
    """Random; kept in `<home>/host.json`, so that a host that comes back is the same one."""
    name: str
    devices: tuple[HostDevice, ...] = ()
    engines: tuple[EngineName, ...] = ("process",)
    seen_time: float = 0.0
    """Unix seconds; when it was last heard of."""
    is_draining: bool = False
    """It takes no more jobs."""
