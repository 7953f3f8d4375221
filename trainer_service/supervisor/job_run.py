"""One job, from where it stands to its end. Every step reads the store and is safe to repeat."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from catalog_service.errors import VertebraError
from trainer_service.engines.process import WorkerProcess
from trainer_service.errors import SpoolGap
from trainer_service.job_store import Attempt, JobRecord, Outcome
from trainer_service.jobs import (
    ORDER_FILE,
    SPOOL_FILE,
    Cancelled,
    Failed,
    JobState,
    LastWord,
    Paused,
    Preempted,
    TransitionRefused,
    WorkOrder,
    read_identity,
    write_order,
)
from trainer_service.supervisor.endings import (
    failed,
    failed_by,
    stopped_from_outside,
    worker_died,
)
from trainer_service.supervisor.exporting import discard_unfinished, export_outcome
from trainer_service.supervisor.patience import patiently
from trainer_service.supervisor.rooms import Rooms, Timing
from trainer_service.supervisor.spool_tail import SpoolTail

Answer = TypeVar("Answer")


class Interrupted(Exception):
    """The job left the state that a step was working in: it was cancelled."""


class JobRun:
    """Takes one job to its end. There is one per job at a time."""

    def __init__(self, job_id: str, rooms: Rooms, timing: Timing) -> None:
        self._job_id = job_id
        self._rooms = rooms
        self._timing = timing
        self._worker: WorkerProcess | None = None
        self._tail: SpoolTail | None = None

    async def to_the_end(self) -> None:
        """Return when the job is in a final state."""
        while True:
            job = await self._job()
            try:
                match job.state:
                    case JobState.QUEUED:
                        await asyncio.to_thread(self._rooms.store.begin_attempt, self._job_id)
                    case JobState.PREPARING:
                        await self._prepare(job)
                    case JobState.RUNNING:
                        await self._run(job)
                    case JobState.CANCELLING:
                        await self._cancel(job)
                    case _:
                        return
            except (TransitionRefused, Interrupted):
                continue  # it was cancelled while we worked: look again

    async def give_up(self) -> None:
        """End a job that this supervisor cannot handle: no process of it is left behind."""
        attempt = await asyncio.to_thread(self._rooms.store.attempt, self._job_id)
        if attempt is not None:
            worker = await self._find(attempt, self._folder(attempt))
            await self._until_gone(worker, grace_s=0.0)
        await self._finish(
            failed("INTERNAL", "the trainer could not handle this job; its log has the details")
        )

    # 1. The catalog builds the model; its digests are pinned and the order is written

    async def _prepare(self, job: JobRecord) -> None:
        try:
            if job.model is None:
                await self._pin_model(job)
        except VertebraError as error:
            await self._finish(failed_by(error))
            return
        await asyncio.to_thread(self._write_order, await self._job())
        await asyncio.to_thread(self._rooms.store.set_running, self._job_id)

    async def _pin_model(self, job: JobRecord) -> None:
        asking = patiently(lambda: self._rooms.catalog.prepare(job.spec.model), self._timing)
        model = await self._unless_cancelled(asking)
        await asyncio.to_thread(self._rooms.store.pin_model, self._job_id, model)

    def _write_order(self, job: JobRecord) -> None:
        attempt = self._rooms.store.attempt(self._job_id)
        assert attempt is not None and job.model is not None
        folder = self._folder(attempt)
        folder.mkdir(parents=True, exist_ok=True)
        order = WorkOrder(
            job_id=self._job_id,
            attempt=attempt.number,
            nonce=attempt.nonce,
            spec=job.spec,
            model=job.model,
            export_dir=str(folder / "export"),
            num_threads=self._rooms.num_threads,
            device=self._rooms.device,
            allowed_roots=self._rooms.allowed_roots,
            staging_folder=str(self._rooms.staging_folder),
            features_folder=str(self._rooms.features_folder),
            features_budget_bytes=self._rooms.features_budget_bytes,
            run_folder=str(self._rooms.run_folder(self._job_id)),
        )
        write_order(folder, order)

    # 2. A worker does it; what it says is stored while it works

    async def _run(self, job: JobRecord) -> None:
        attempt = await self._attempt()
        folder = self._folder(attempt)
        worker = await self._find_or_start(attempt, folder)
        try:
            word = await self._follow(worker, attempt, folder)
        except SpoolGap as error:
            await self._until_gone(worker, grace_s=0.0)
            await self._finish(failed_by(error))
            return
        await self._until_gone(self._worker or worker, grace_s=self._timing.exit_s)
        await self._finish(await self._outcome(word, folder))

    async def _follow(
        self, worker: WorkerProcess, attempt: Attempt, folder: Path
    ) -> LastWord | None:
        """Store what the worker says until its last word; None if it died without one."""
        while True:
            was_alive = worker.is_alive()  # before reading: what a dead worker said is all there
            num_lines = await self._ship(attempt, folder)
            word = self._spool(folder).last_word
            if word is not None:
                return word
            if not was_alive and not num_lines:
                other = await self._find(attempt, folder)
                if not other.is_alive():
                    return None
                self._worker = worker = other  # it had the lock: ours left without a word
            if await self._state() is not JobState.RUNNING:
                raise Interrupted
            await asyncio.sleep(0 if num_lines else self._timing.poll_s)

    async def _outcome(self, word: LastWord | None, folder: Path) -> Outcome:
        match word:
            case None:
                assert self._worker is not None
                return worker_died(self._worker, folder)
            case Failed():
                return failed(word.reason, word.message)
            case Cancelled() | Paused() | Preempted():
                return stopped_from_outside(folder)
            case _:
                job = await self._job()
                ending = export_outcome(job, word, self._rooms, self._timing)
                return await self._unless_cancelled(ending)

    # 3. Or it is told to stop

    async def _cancel(self, job: JobRecord) -> None:
        attempt = await asyncio.to_thread(self._rooms.store.attempt, self._job_id)
        if attempt is not None:
            folder = self._folder(attempt)
            worker = self._worker or await self._find(attempt, folder)
            await self._stop(worker, attempt, folder)
            await self._ship_the_rest(attempt, folder)
        await self._finish(Outcome(state=JobState.CANCELLED, reason=job.state_reason))

    async def _stop(self, worker: WorkerProcess, attempt: Attempt, folder: Path) -> None:
        """Ask the worker to stop, wait for its last word or for the grace to pass, then see to it
        that no process of it is left.
        """
        clock = asyncio.get_running_loop().time
        kill_at = clock() + self._timing.grace_s
        await asyncio.to_thread(worker.terminate)
        while worker.is_alive() and clock() < kill_at and self._spool(folder).last_word is None:
            await asyncio.sleep(self._timing.poll_s)
            await self._ship_the_rest(attempt, folder)
        said_its_word = self._spool(folder).last_word is not None
        await self._until_gone(worker, grace_s=self._timing.exit_s if said_its_word else 0.0)

    async def _until_gone(self, worker: WorkerProcess, *, grace_s: float) -> None:
        """Return when no process of the worker is left; kill what is there after the grace, or
        what outlives the worker itself.
        """
        clock = asyncio.get_running_loop().time
        kill_at = clock() + grace_s
        while await asyncio.to_thread(worker.processes):
            if clock() >= kill_at or not worker.is_alive():
                await asyncio.to_thread(worker.kill)
            await asyncio.sleep(self._timing.poll_s)

    # What the steps share

    async def _find_or_start(self, attempt: Attempt, folder: Path) -> WorkerProcess:
        """Return the attempt's worker. A worker that wrote anything was started: never twice."""
        worker = self._worker or await self._find(attempt, folder)
        has_begun = read_identity(folder) is not None or (folder / SPOOL_FILE).exists()
        if not worker.is_alive() and not has_begun:
            assert (folder / ORDER_FILE).exists()  # written before the job was RUNNING
            worker = await asyncio.to_thread(self._rooms.engine.start, folder, attempt.nonce)
        self._worker = worker
        return worker

    async def _find(self, attempt: Attempt, folder: Path) -> WorkerProcess:
        identity = read_identity(folder)
        return await asyncio.to_thread(self._rooms.engine.find, attempt.nonce, identity)

    async def _ship(self, attempt: Attempt, folder: Path) -> int:
        """Store what the worker said since the last time; return how many lines that was."""
        lines = await asyncio.to_thread(self._spool(folder).read)
        if lines:
            append = self._rooms.store.append_lines
            await asyncio.to_thread(append, self._job_id, attempt.number, lines)
        return len(lines)

    async def _ship_the_rest(self, attempt: Attempt, folder: Path) -> None:
        try:
            while await self._ship(attempt, folder):
                pass
        except SpoolGap:
            return  # the job is being cancelled: what was readable is stored

    def _spool(self, folder: Path) -> SpoolTail:
        if self._tail is None:
            self._tail = SpoolTail(folder / SPOOL_FILE)
        return self._tail

    async def _unless_cancelled(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Return what `work` returns; raise Interrupted as soon as the job is cancelled."""
        task = asyncio.ensure_future(work)  # first: work that nobody awaits is complained about
        try:
            began_in = await self._state()
            while not task.done():
                await asyncio.wait({task}, timeout=self._timing.poll_s)
                if not task.done() and await self._state() is not began_in:
                    raise Interrupted
            return task.result()
        finally:
            task.cancel()

    async def _job(self) -> JobRecord:
        return await asyncio.to_thread(self._rooms.store.find_job, self._job_id)

    async def _state(self) -> JobState:
        return await asyncio.to_thread(self._rooms.store.state, self._job_id)

    async def _attempt(self) -> Attempt:
        attempt = await asyncio.to_thread(self._rooms.store.attempt, self._job_id)
        assert attempt is not None  # RUNNING comes after PREPARING, which begins one
        return attempt

    async def _finish(self, outcome: Outcome) -> None:
        """End the job. No process of it is left by now."""
        attempt = await asyncio.to_thread(self._rooms.store.attempt, self._job_id)
        if attempt is not None:
            await asyncio.to_thread(discard_unfinished, self._folder(attempt))
        await asyncio.to_thread(self._rooms.store.finish, self._job_id, outcome)

    def _folder(self, attempt: Attempt) -> Path:
        return self._rooms.attempt_folder(self._job_id, attempt.number)
