"""Which job has which devices of this host."""

from collections.abc import Sequence


class DeviceBoard:
    """Hands out the devices of this host, by index. A job's devices are its own until it gives them
    back.
    """

    def __init__(self, num_devices: int) -> None:
        self.num_devices = num_devices
        self._taken: dict[str, tuple[int, ...]] = {}

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

    def _free(self) -> list[int]:
        taken = {index for indices in self._taken.values() for index in indices}
        return [index for index in range(self.num_devices) if index not in taken]
