"""What follows the end of an attempt of this very job: what the store knows of it decides, too."""

import asyncio

from trainer_service.job_store import JobRecord
from trainer_service.jobs import RETRIED_WITHIN, AttemptEnd, ExitClass, JobState
from trainer_service.supervisor.endings import loss_of
from trainer_service.supervisor.rooms import Rooms, Timing
from trainer_service.supervisor.what_follows import Following, what_follows


async def after_attempt(job: JobRecord, end: AttemptEnd, rooms: Rooms, timing: Timing) -> Following:
    """Return where a job goes whose attempt is over."""
    if job.state is JobState.PAUSING and end.exit_class is ExitClass.PAUSED:
        return Following(to_state=JobState.PAUSED, reason=job.state_reason)
    if job.state is JobState.PAUSING and end.exit_class in RETRIED_WITHIN:
        return Following(to_state=JobState.PAUSED, reason=f"{end.detail}; {loss_of(job)}")
    retries = await asyncio.to_thread(rooms.store.retries, job.job_id)
    attempt = await asyncio.to_thread(rooms.store.attempt, job.job_id)
    did_a_step = attempt is not None and attempt.last_step > (attempt.start_step or 0)
    return what_follows(end, retries, job.spec.run, timing, did_a_step=did_a_step)
