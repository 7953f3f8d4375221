"""One attempt of one job, from where it stands to its end. Every step reads the store and is safe
to repeat.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Collection, Coroutine
from typing import Any, TypeVar

from catalog_service.blobs.disk import DiskFull, naming_disk_errors
from catalog_service.errors import VertebraError
from trainer_service.errors import JobNotFound, SpoolGap, StoreFull, StoreUnavailable, WorkerStuck
from trainer_service.job_store import Hold, JobRecord, Outcome
from trainer_service.jobs import (
    AttemptEnd,
    ExitClass,
    Finished,
    JobModel,
    JobState,
    LastWord,
    TransitionRefused,
)
from trainer_service.supervisor.attempt_close import AttemptClose
from trainer_service.supervisor.attempt_spans import AttemptSpans
from trainer_service.supervisor.attempt_worker import AttemptWorker, ordered_worker
from trainer_service.supervisor.endings import (
    damaged_spool,
    failed,
    failed_by,
    given_up,
    no_room,
    over_time,
    refused,
    sent_away,
)
from trainer_service.supervisor.exporting import discard_unfinished, export_outcome
from trainer_service.supervisor.held_states import HeldStates
from trainer_service.supervisor.interrupted import Interrupted, uninterrupted
from trainer_service.supervisor.ordering import model_for, order_attempt
from trainer_service.supervisor.room_reserve import use_reserve
from trainer_service.supervisor.rooms import Rooms, Timing
from trainer_service.supervisor.worker_watch import UNDER_WAY, WorkerWatch

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


class JobRun:
    """Takes one attempt, which was claimed, to its end. There is one per job at a time.

    Args:
        hold: all that it writes is refused once this does not hold any more.
        states: of all jobs of this host.
        device_indices: of this host, one a rank; of an attempt that has begun they are known.
    """

    def __init__(
        self,
        hold: Hold,
        rooms: Rooms,
        timing: Timing,
        states: HeldStates,
        device_indices: tuple[int, ...] = (0,),
    ) -> None:
        self._hold = hold
        self._rooms = rooms
        self._timing = timing
        self._states = states
        self._device_indices = device_indices
        self._folder = rooms.attempt_folder(hold.job_id, hold.attempt)
        self._watch: WorkerWatch | None = None
        self._worker: AttemptWorker | None = None
        self._leave_within_s: float | None = None
        self._spans = AttemptSpans(hold, rooms, self._folder)
        self._close = AttemptClose(hold, rooms, timing, self._folder, self._spans)

    async def to_the_end(self) -> None:
        """Return when the job is not this host's any more: it waits, is paused, or is over.

        Raises:
            LeaseLost: another host has it. Call `abandon`.
        """
        while True:
            try:
                if not await self._step():
                    await self.abandon()  # where another host took it, ours may be at work still
                    return
            except (TransitionRefused, Interrupted):
                continue  # somebody asked for something while we worked: look again
            except (StoreUnavailable, StoreFull, DiskFull) as error:
                log.warning("job %s waits: %s", self._hold.job_id, error)
                if isinstance(error, StoreUnavailable) or not use_reserve(self._rooms.home):
                    await asyncio.sleep(self._timing.tick_s)

    def preempt(self, within_s: float) -> None:
        """Have the worker save and go; afterwards the job waits for another host."""
        self._leave_within_s = within_s
        if self._watch is not None:
            self._watch.leave_within_s = within_s

    def num_unread_bytes(self) -> int:
        """Return how much the worker said that nobody has read yet."""
        return self._watch.num_unread_bytes() if self._watch is not None else 0

    async def abandon(self) -> None:
        """See that no process of the attempt is left, without a word to the store or from it."""
        worker = self._worker or await asyncio.to_thread(
            ordered_worker, self._rooms.engines, self._folder, self._timing
        )
        if worker is not None:
            await worker.is_there()
            await worker.until_gone(grace_s=0.0)

    async def give_up(self) -> None:
        """End a job that this supervisor cannot handle: no process of it is left behind, and what
        it said and saved is kept as far as it can be read.
        """
        await self.abandon()
        try:
            await (await self._watch_of(await self._job())).ship_the_rest()
        except Exception:  # the very thing that cannot be handled, perhaps
            log.exception("not all that job %s said is stored", self._hold.job_id)
        end = given_up()
        await self._close.finish(failed(end.reason, end.detail), end)

    async def _step(self) -> bool:
        """Do what the job's state asks for; return whether there may be more to do."""
        try:
            job = await self._job()
            await self._spans.of(job)
            match job.state if job.attempt == self._hold.attempt else None:
                case JobState.PREPARING:
                    await self._prepare(job)
                case JobState.RUNNING | JobState.PAUSING:
                    await self._run(job)
                case JobState.CANCELLING:
                    await self._cancel(job)
                case _:
                    return False
        except JobNotFound:
            return False
        except WorkerStuck as error:
            await self._close.finish(failed_by(error))
        return True

    # 1. The catalog builds the model; its digests are pinned and the order is written

    async def _prepare(self, job: JobRecord) -> None:
        if self._leave_within_s is not None:
            await self._end(sent_away(self._leave_within_s))
            return
        if 0 < job.deadline < time.time():
            await self._end(over_time(job.spec.run.time_limit_s))
            return
        began_at = time.monotonic()
        try:
            with self._spans.doing("prepare"):
                asking = model_for(job, self._rooms.catalog, self._timing)
                model = await self._while_in({JobState.PREPARING}, asking)
        except DiskFull as error:
            await self._end(no_room(error))
        except VertebraError as error:
            await self._end(refused(error))
        else:
            self._rooms.metrics.prepared(time.monotonic() - began_at)
            await self._order(job, model)

    async def _order(self, job: JobRecord, model: JobModel) -> None:
        if job.model is None:
            await asyncio.to_thread(self._rooms.store.pin_model, self._hold, model)
        try:
            with naming_disk_errors("write an order", self._folder):
                await asyncio.to_thread(
                    order_attempt, self._hold, job, model, self._rooms, self._device_indices
                )
        except DiskFull as error:
            await self._end(no_room(error))
            return
        await asyncio.to_thread(self._rooms.store.begin, self._hold)

    # 2. A worker does it; what it says is stored while it works

    async def _run(self, job: JobRecord) -> None:
        worker, watch = await self._worker_of(job), await self._watch_of(job)
        if job.state is JobState.RUNNING:
            with naming_disk_errors("start a worker", self._folder):
                await worker.start_once()
        elif not await worker.is_there() and not worker.has_begun:
            await self._end(AttemptEnd(exit_class=ExitClass.PAUSED))  # before anything ran
            return
        try:
            over = await watch.until_over(job)
        except SpoolGap as error:
            await worker.until_gone(grace_s=0.0)
            await self._end(damaged_spool(error))
            return
        is_said = isinstance(over, LastWord)
        await worker.until_gone(grace_s=self._timing.exit_s if is_said else 0.0)
        await watch.ship_the_rest()
        word = watch.shipping.last_word  # perhaps in the very moment in which it was killed
        if isinstance(word, Finished):
            await self._finish_well(job, word)
        else:
            await self._end(over if isinstance(over, AttemptEnd) else watch.end_of(word))

    async def _finish_well(self, job: JobRecord, word: Finished) -> None:
        ending = export_outcome(await self._job(), word, self._rooms, self._timing)
        try:
            with self._spans.doing("store export"):
                outcome = await self._while_in(UNDER_WAY, ending)
        except DiskFull as error:
            await self._end(no_room(error))
        else:
            await self._close.finish(outcome, AttemptEnd(exit_class=ExitClass.FINISHED))

    # 3. Or it is told to stop

    async def _cancel(self, job: JobRecord) -> None:
        worker, watch = await self._worker_of(job), await self._watch_of(job)
        if await worker.is_there():
            await watch.tell("cancel")
        clock = asyncio.get_running_loop().time
        kill_at = clock() + self._timing.grace_s
        while worker.is_alive() and clock() < kill_at and watch.shipping.last_word is None:
            await asyncio.sleep(self._timing.poll_s)
            with contextlib.suppress(StoreUnavailable, StoreFull):  # it is killed all the same
                await watch.ship_the_rest()
        is_said = watch.shipping.last_word is not None
        await worker.until_gone(grace_s=self._timing.exit_s if is_said else 0.0)
        await watch.ship_the_rest()
        end = AttemptEnd(exit_class=ExitClass.CANCELLED)
        await self._close.finish(Outcome(state=JobState.CANCELLED, reason=job.state_reason), end)

    # What follows

    async def _end(self, end: AttemptEnd) -> None:
        """End the attempt, unless somebody cancelled the job. No process of it is left by now."""
        await asyncio.to_thread(discard_unfinished, self._folder)
        job = await self._job()
        if job.state is JobState.CANCELLING:
            raise Interrupted
        await self._close.end(job, end)

    # What the steps share

    async def _worker_of(self, job: JobRecord) -> AttemptWorker:
        if self._worker is None:
            attempt = await asyncio.to_thread(self._rooms.store.attempt, self._hold.job_id)
            assert attempt is not None  # it was claimed
            engine = self._rooms.engines[job.spec.run.engine]
            self._worker = AttemptWorker(engine, self._folder, attempt.nonce, self._timing)
        return self._worker

    async def _watch_of(self, job: JobRecord) -> WorkerWatch:
        if self._watch is None:
            worker = await self._worker_of(job)
            self._watch = WorkerWatch(self._hold, self._rooms, self._timing, self._states, worker)
            self._watch.leave_within_s = self._leave_within_s
            self._watch.ship_spans = self._spans.ship
        return self._watch

    async def _while_in(
        self, states: Collection[JobState], work: Coroutine[Any, Any, Answer]
    ) -> Answer:
        """Return what `work` returns; raise Interrupted as soon as the job is in another state, or
        is to leave this host before it runs.
        """
        return await uninterrupted(work, lambda: self._may_go_on(states), self._timing.poll_s)

    async def _may_go_on(self, states: Collection[JobState]) -> bool:
        if self._leave_within_s is not None and JobState.PREPARING in states:
            return False
        try:
            return await self._states.of(self._hold.job_id) in states
        except StoreUnavailable:
            return True  # not known now

    async def _job(self) -> JobRecord:
        return await asyncio.to_thread(self._rooms.store.find_job, self._hold.job_id)
