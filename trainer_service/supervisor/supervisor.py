"""The queue and the devices: which jobs run on this host now, and who looks after each of them."""

import asyncio
import contextlib
import logging
import time
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path

from trainer_service.errors import JobNotFound, LeaseLost, StoreUnavailable
from trainer_service.job_store import Hold, WaitingJob
from trainer_service.jobs import ExitClass, HostRecord, TransitionRefused
from trainer_service.supervisor.attempt_spans import send_all_lost
from trainer_service.supervisor.device_board import DeviceBoard
from trainer_service.supervisor.followed import Followed
from trainer_service.supervisor.held_states import HeldStates
from trainer_service.supervisor.host_care import HostCare
from trainer_service.supervisor.host_home import lock_home
from trainer_service.supervisor.job_run import JobRun
from trainer_service.supervisor.leases import Leases
from trainer_service.supervisor.repeated import repeated
from trainer_service.supervisor.rooms import Rooms, Timing
from trainer_service.supervisor.waiting_line import Room, jobs_to_start
from trainer_service.supervisor.what_follows import backoff_s

log = logging.getLogger(__name__)


class Supervisor:
    """Looks after all jobs of this host. Stopping it leaves workers alone.

    Args:
        host: who this is, its devices and engines.
    """

    def __init__(self, rooms: Rooms, host: HostRecord, *, timing: Timing | None = None) -> None:
        self._rooms = rooms
        self._host = host
        self._timing = timing or Timing()
        self._board = DeviceBoard(len(host.devices))
        self._leases = Leases(rooms.store, host.host_id, rooms.host_timeout_s)
        self._care = HostCare(rooms)
        self._states = HeldStates(rooms.store.states)
        self._followed: dict[str, Followed] = {}
        self._changed = asyncio.Event()
        self._must_adopt = True
        """There may be jobs that this host holds and nobody follows."""
        self._loops: list[asyncio.Task[None]] = []
        self._lock: TextIOWrapper | None = None
        self._show()

    def _show(self) -> None:
        """Show how this host is used, from now on."""
        metrics, board = self._rooms.metrics, self._board
        metrics.devices.set(board.num_devices)
        metrics.devices_in_use.set_function(lambda: board.num_devices - board.num_free)
        metrics.jobs_held.set_function(lambda: len(self._followed))

    def measure_spools(self) -> None:
        """Look how much workers said that nobody has read yet; from any thread."""
        unread = [one.run.num_unread_bytes() for one in list(self._followed.values())]
        self._rooms.metrics.spool_lag.set(max(unread, default=0))

    async def start(self) -> None:
        """Adopt the workers that are there, and begin to give out devices.

        Raises:
            HomeInUse: another supervisor works in this home.
        """
        self._lock = lock_home(self._rooms.home)
        loop = asyncio.get_running_loop()

        def wake(_job_id: str) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._changed.set)

        self._rooms.store.subscribe(wake)
        trouble = self._rooms.metrics.trouble.inc
        self._loops = [
            asyncio.create_task(repeating)
            for repeating in (
                repeated(self._give_out_devices, self._until_changed, trouble),
                repeated(self._keep_leases, lambda: asyncio.sleep(self._leases.every_s), trouble),
                repeated(
                    self._end_what_ran_out, lambda: asyncio.sleep(self._timing.tick_s), trouble
                ),
                repeated(self._take_care, lambda: asyncio.sleep(self._timing.care_s), trouble),
            )
        ]

    async def drain(self) -> None:
        """Take no more jobs, and have those that run saved and queued, for another host or for
        this one when it starts again. Returns when that is done, or its time is over.
        """
        self._host = replace(self._host, is_draining=True)
        with contextlib.suppress(StoreUnavailable):
            await asyncio.to_thread(self._rooms.store.heartbeat, self._host)
        for followed in self._followed.values():
            followed.run.preempt(self._rooms.grace_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._rooms.grace_s + self._timing.grace_s):
                while tasks := self._tasks():
                    await asyncio.wait(tasks)
        if self._followed:
            log.warning("%d jobs did not leave in time; their workers go on", len(self._followed))

    async def stop(self) -> None:
        """Stop looking after jobs. Workers go on; the next supervisor adopts them."""
        tasks = [*self._loops, *self._tasks()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._lock is not None:
            self._lock.close()

    # 1. Who gets devices

    async def _give_out_devices(self) -> None:
        """Follow what this host holds, then start what may start."""
        if self._must_adopt:
            await self._adopt()
        if self._host.is_draining:
            return
        room = self._room()
        engines = [name for name in self._host.engines if room.has_any_for(name)]
        if not engines:
            return  # and jobs for an engine that is full do not hide those for another
        waiting = await asyncio.to_thread(
            self._rooms.store.queue, engines=engines, max_devices=room.num_devices
        )
        # One that left a moment ago and waits again is still followed until its processes are gone.
        by_id = {job.job_id: job for job in waiting if job.job_id not in self._followed}
        for job_id in jobs_to_start(list(by_id.values()), room):
            await self._start_job(by_id[job_id])

    async def _adopt(self) -> None:
        asked_at = self._leases.now()
        store = self._rooms.store
        holds = await asyncio.to_thread(store.adopt, self._host.host_id, self._leases.timeout_s)
        places = {place.job_id: place for place in await asyncio.to_thread(store.placements)}
        for hold in holds:
            if hold.job_id not in self._followed and hold.job_id in places:
                self._follow(hold, places[hold.job_id].device_indices, asked_at)
        self._must_adopt = False

    async def _start_job(self, job: WaitingJob) -> None:
        """Claim a job and follow it, unless another host was first or it was cancelled."""
        asked_at = self._leases.now()
        is_remote = job.engine != "process"
        indices = () if is_remote else self._board.take(job.job_id, job.num_devices)
        try:
            attempt = await asyncio.to_thread(
                self._rooms.store.claim,
                job.job_id,
                self._host.host_id,
                self._leases.timeout_s,
                device_indices=indices,
            )
        except (TransitionRefused, JobNotFound):
            self._board.give_back(job.job_id)
        except Exception:
            self._board.give_back(job.job_id)
            self._must_adopt = True  # it may be ours, and only the answer was lost
            raise
        else:
            self._rooms.metrics.claimed(time.time() - job.queue_time)
            self._follow(attempt.hold, indices, asked_at)

    def _room(self) -> Room:
        num_remote = sum(one.is_remote for one in self._followed.values())
        return Room(
            num_devices=self._board.num_devices,
            num_free_devices=self._board.num_free,
            num_free_remote=self._rooms.max_remote_jobs - num_remote,
            engines=frozenset(self._host.engines),
        )

    # 2. Who looks after a job

    def _follow(self, hold: Hold, indices: tuple[int, ...], asked_at: float) -> None:
        if indices:
            self._board.keep(hold.job_id, indices)
        folder = self._rooms.attempt_folder(hold.job_id, hold.attempt)
        self._leases.add(hold.job_id, folder, asked_at=asked_at)
        followed = Followed(hold=hold, run=self._run(hold, indices), is_remote=not indices)
        self._followed[hold.job_id] = followed
        if self._host.is_draining:
            followed.run.preempt(self._rooms.grace_s)
        followed.task = asyncio.create_task(self._look_after(followed, indices))

    def _run(self, hold: Hold, indices: tuple[int, ...]) -> JobRun:
        return JobRun(hold, self._rooms, self._timing, self._states, device_indices=indices)

    async def _look_after(self, followed: Followed, indices: tuple[int, ...]) -> None:
        job_id = followed.hold.job_id
        try:
            await self._to_the_end(followed, indices)
        except asyncio.CancelledError:
            if not followed.is_lost:
                raise
            await followed.run.abandon()
        finally:
            self._leases.forget(job_id)
            self._board.give_back(job_id)
            del self._followed[job_id]
            self._must_adopt = self._must_adopt or followed.is_lost  # it may be ours still
            self._changed.set()

    async def _to_the_end(self, followed: Followed, indices: tuple[int, ...]) -> None:
        """Return when the job is not ours any more: it waits, rests, ended, or has another host."""
        clock = asyncio.get_running_loop().time
        trouble_since: float | None = None
        while True:
            began_at = clock()
            try:
                if trouble_since is None or began_at - trouble_since <= self._timing.trouble_s:
                    await followed.run.to_the_end()
                else:
                    await followed.run.give_up()
                return
            except LeaseLost:
                log.warning("job %s has another host by now", followed.hold.job_id)
                self._rooms.metrics.lease_losses.inc()
                await followed.run.abandon()
                return
            except StoreUnavailable as error:  # no trouble of the job
                log.warning("looking after job %s again: %s", followed.hold.job_id, error)
            except Exception:
                log.exception("could not handle job %s; trying again", followed.hold.job_id)
                if trouble_since is None or clock() - began_at > self._timing.trouble_s:
                    trouble_since = clock()  # it went well for long: another trouble
            await asyncio.sleep(self._timing.tick_s)
            followed.run = self._run(followed.hold, indices)
            if self._host.is_draining:
                followed.run.preempt(self._rooms.grace_s)

    # 3. Whose the jobs are

    async def _keep_leases(self) -> None:
        """Renew leases, tell of this host, and take over what lost hosts left."""
        for job_id in await asyncio.to_thread(self._leases.renew):
            self._let_go(job_id)
        await asyncio.to_thread(self._rooms.store.heartbeat, self._host)
        if self._rooms.host_timeout_s and not self._host.is_draining:
            await self._take_over()

    async def _end_what_ran_out(self) -> None:
        """Beside the renewals, which may wait long for a store that does not answer."""
        for job_id in self._leases.run_out():
            self._let_go(job_id)

    async def _take_over(self) -> None:
        store, timeout_s = self._rooms.store, self._rooms.host_timeout_s
        taken = await asyncio.to_thread(
            store.take_over,
            self._host.host_id,
            timeout_s,
            backoff_s=lambda times: backoff_s(times, self._timing),
        )
        for _ in taken:
            self._rooms.metrics.attempt_ended(ExitClass.HOST_LOST)
        await send_all_lost(self._rooms, taken)
        if taken:
            log.warning("%d jobs of lost hosts wait again: %s", len(taken), ", ".join(taken[:5]))
            self._changed.set()

    def _let_go(self, job_id: str) -> None:
        """Have a job's worker killed without a word to the store: it may be another host's."""
        followed = self._followed.get(job_id)
        if followed is not None and followed.task is not None and not followed.is_lost:
            log.warning("the lease of job %s is lost; its worker is killed", job_id)
            self._rooms.metrics.lease_losses.inc()
            followed.is_lost = True
            followed.task.cancel()

    async def _take_care(self) -> None:
        if not self._must_adopt:  # else a worker that is adopted in a moment looks like a stray
            await self._care.once(self._followed_folders)

    def _followed_folders(self) -> dict[str, Path]:
        """Return the attempts' folders of the jobs that are followed."""
        return {
            job_id: self._rooms.attempt_folder(job_id, one.hold.attempt)
            for job_id, one in self._followed.items()
        }

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [one.task for one in self._followed.values() if one.task is not None]

    async def _until_changed(self) -> None:
        with contextlib.suppress(TimeoutError):
            # Not wait_for: in Python 3.11 it swallows a cancellation that meets the event.
            async with asyncio.timeout(self._timing.tick_s):
                await self._changed.wait()
        self._changed.clear()
