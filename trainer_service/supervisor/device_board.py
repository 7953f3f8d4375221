"""Which job has which devices of this host."""

from collections.abc import Sequence
from dataclasses import replace

from trainer_service.jobs import HostDevice


class DeviceBoard:
    """Hands out the devices of this host. A job's devices are its own until it gives them back.

    Args:
        devices: in the order of their index.
    """

    def __init__(self, devices: Sequence[HostDevice]) -> None:
        self._devices = tuple(devices)
        self._taken: dict[str, tuple[int, ...]] = {}

    @property
    def num_devices(self) -> int:
        """Return how many there are."""
        return len(self._devices)

    @property
    def num_free(self) -> int:
        """Return how many no job has."""
        return len(self._free())

    def take(self, job_id: str, num_devices: int) -> tuple[int, ...]:
        """Return the indices of free devices, which are the job's from now on."""
        chosen = tuple(self._free()[:num_devices])
        assert len(chosen) == num_devices, f"{num_devices} of {self.num_free} free devices"
        self._taken[job_id] = chosen
        return chosen

    def keep(self, job_id: str, indices: Sequence[int]) -> None:
        """Note the devices of a job that runs already. Nobody asks whether they are free: they are
        in use, and where the host has fewer devices than before, some of them twice.
        """
        self._taken[job_id] = tuple(indices)

    def give_back(self, job_id: str) -> None:
        """Take note that a job needs its devices no more; nothing happens if it had none."""
        self._taken.pop(job_id, None)

    def devices(self) -> tuple[HostDevice, ...]:
        """Return all devices, each with the job that has it."""
        jobs = {index: job_id for job_id, indices in self._taken.items() for index in indices}
        return tuple(replace(one, job_id=jobs.get(one.index, "")) for one in self._devices)

    def _free(self) -> list[int]:
        return [device.index for device in self.devices() if not device.job_id]
