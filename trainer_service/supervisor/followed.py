"""A job that a host holds, and who looks after it."""

import asyncio
from dataclasses import dataclass

from trainer_service.job_store import Hold
from trainer_service.supervisor.job_run import JobRun


@dataclass(slots=True, kw_only=True)
class Followed:
    """A job that this host holds."""

    hold: Hold
    run: JobRun
    is_remote: bool
    """Its devices are a cluster's."""
    is_lost: bool = False
    """Another host may have it by now."""
    task: asyncio.Task[None] | None = None
