"""Workers on a Ray cluster: one driver process per attempt on this host, one actor per device.

The driver carries the attempt's nonce, as any worker does: that is how it is found again. Ray's own
restarts stay off: what a failure costs is for the supervisor's budgets to say. The home folder and
the blob store must be on a filesystem that every node has under the same path.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from trainer_service.engines.process import ProcessEngine, WorkerProcess
from trainer_service.jobs import WorkerIdentity

ADDRESS_VARIABLE = "VERTEBRA_RAY_ADDRESS"
DRIVER_COMMAND = (sys.executable, "-m", "trainer_service.engines.ray_driver")


class RayEngine:
    """Starts drivers as processes of this host.

    Args:
        address: of the cluster, as `ray.init` takes it: `host:6379`, `ray://host:10001`, `auto`.
        environment: what drivers inherit.
        num_threads: how many threads the numeric libraries of each rank use; on a CPU also how many
            CPUs of the cluster it takes.
        command: the driver program; the attempt's folder is appended.
    """

    def __init__(
        self,
        address: str,
        *,
        environment: Mapping[str, str],
        num_threads: int,
        command: Sequence[str] = DRIVER_COMMAND,
    ) -> None:
        self._drivers = ProcessEngine(
            environment={
                **environment,
                ADDRESS_VARIABLE: address,
                "RAY_USAGE_STATS_ENABLED": "0",
            },
            num_threads=num_threads,
            command=command,
        )

    def start(self, folder: Path, nonce: str) -> WorkerProcess:
        """Start the driver of the order in `folder`."""
        return self._drivers.start(folder, nonce)

    def find(self, nonce: str, identity: WorkerIdentity | None) -> WorkerProcess:
        """Return the driver of an attempt, alive or not. The identity is rank 0's, which may have
        its pid on another host.
        """
        return self._drivers.find(nonce, None)
