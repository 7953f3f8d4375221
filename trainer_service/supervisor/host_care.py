"""What a host does now and then besides its jobs: put away, cut short, and forget."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from trainer_service.jobs import JobFailure
from trainer_service.supervisor.deletion import remove_deleted
from trainer_service.supervisor.retention import put_away_spent
from trainer_service.supervisor.rooms import Rooms
from trainer_service.supervisor.strays import strays, workers_of

log = logging.getLogger(__name__)

FORGOTTEN_AFTER_S = 24 * 3600.0
"""A host that was not heard of for so long is not shown any more."""


class HostCare:
    """Everything here may be done late, twice, or by another host at the same time."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def once(self, followed: Callable[[], Mapping[str, Path]]) -> None:
        """Do everything once.

        Args:
            followed: returns the attempts' folders of this host's jobs, as they are then.
        """
        await self._kill_strays(followed)
        await asyncio.to_thread(self._fail_overdue)
        await asyncio.to_thread(self._compact, list(followed()))
        await asyncio.to_thread(self._forget_hosts)
        await asyncio.to_thread(put_away_spent, self._rooms)
        await remove_deleted(self._rooms)

    async def _kill_strays(self, followed: Callable[[], Mapping[str, Path]]) -> None:
        found = await asyncio.to_thread(workers_of, self._rooms.home)
        left = strays(found, set(followed().values()))  # now: none of them was started since
        for nonce in {worker.nonce for worker in left}:
            log.warning("killing a worker that nobody follows")
            engine = self._rooms.engines["process"]
            await asyncio.to_thread(engine.find(nonce, None).kill)

    def _fail_overdue(self) -> None:
        store = self._rooms.store
        for job_id in store.overdue():
            limit_s = store.find_job(job_id).spec.run.time_limit_s
            store.fail_waiting(job_id, overdue(limit_s))

    def _compact(self, job_ids: Collection[str]) -> None:
        for job_id in job_ids:
            self._rooms.store.compact(job_id, self._rooms.events_kept)

    def _forget_hosts(self) -> None:
        long_ago = time.time() - FORGOTTEN_AFTER_S
        for host in self._rooms.store.hosts():
            if host.seen_time < long_ago and host.host_id != self._rooms.host_id:
                self._rooms.store.forget_host(host.host_id)


def overdue(limit_s: float) -> JobFailure:
    """Return the failure of a job whose time limit passed while it waited."""
    return JobFailure(
        reason="DEADLINE_EXCEEDED",
        message=f"the time limit of {limit_s:g} s, from the first start on, passed while the job"
        " waited; resume it with more time, or leave run.time_limit out",
    )
