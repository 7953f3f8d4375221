"""The leases of this host's jobs: kept in time, or known to be lost.

With T, the host timeout: a lease is renewed every T/3 and lasts T. Only after that was stored the
worker is shown a heartbeat, with the time from before it was asked for. So a worker that has seen
none for T saves and goes, before another host may take its job, which is 2T after the last renewal.
One that does not go by itself is killed before that by this supervisor, if it still lives.
"""

import contextlib
import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from trainer_service.jobs import HEARTBEAT_FILE

RENEWALS_PER_TIMEOUT = 3
"""Two may fail."""
RUN_OUT = 1.8
"""In T since the last renewal; the job may have another host at 2."""
UNHURRIED_S = 10.0
"""Between two signs of life of a host that nobody waits for."""


class LeaseStore(Protocol):
    """What of the job store leases are about."""

    def renew(self, owner: str, lease_s: float, job_ids: Sequence[str]) -> Collection[str]:
        """Return those of `job_ids` that are still the owner's, their leases begun anew."""
        ...


@dataclass(slots=True)
class _Lease:
    folder: Path
    renewed_at: float


class Leases:
    """Keeps the leases of one host. Methods may be called from any one thread at a time.

    Args:
        owner: the host.
        timeout_s: T; 0 means that leases never lapse, and then nothing is lost either.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        store: LeaseStore,
        owner: str,
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._owner = owner
        self._clock = clock
        self._leases: dict[str, _Lease] = {}
        self.timeout_s = timeout_s

    @property
    def every_s(self) -> float:
        """Return the time between two renewals."""
        return self.timeout_s / RENEWALS_PER_TIMEOUT if self.timeout_s else UNHURRIED_S

    def now(self) -> float:
        """Return what `add` takes as the time of a lease."""
        return self._clock()

    def add(self, job_id: str, folder: Path, *, asked_at: float) -> None:
        """Keep the lease of a job from now on.

        Args:
            folder: of its attempt.
            asked_at: `now()` from before the lease was given.
        """
        self._leases[job_id] = _Lease(folder, asked_at)

    def forget(self, job_id: str) -> None:
        """Keep a job's lease no more."""
        self._leases.pop(job_id, None)

    def renew(self) -> set[str]:
        """Renew all leases and show the workers that their host lives; return the jobs that are
        another host's by now.

        Raises:
            StoreUnavailable: the store does not answer; no worker was shown anything.
        """
        asked, asked_at, shown_time = dict(self._leases), self._clock(), time.time()
        if not self.timeout_s:  # nobody else could take a job: there is nothing to renew
            for lease in asked.values():
                _show_heartbeat(lease.folder, shown_time)
            return set()
        if not asked:
            return set()
        kept = set(self._store.renew(self._owner, self.timeout_s, list(asked)))
        for job_id in kept & asked.keys():
            asked[job_id].renewed_at = asked_at
            _show_heartbeat(asked[job_id].folder, shown_time)
        return asked.keys() - kept

    def run_out(self) -> set[str]:
        """Return the jobs that another host may take at any moment: their workers must not run."""
        if not self.timeout_s:
            return set()
        oldest = self._clock() - RUN_OUT * self.timeout_s
        return {job_id for job_id, lease in self._leases.items() if lease.renewed_at < oldest}


def _show_heartbeat(folder: Path, at: float) -> None:
    path = folder / HEARTBEAT_FILE
    with contextlib.suppress(FileNotFoundError):  # no worker was started there yet
        os.utime(path, (at, at))
