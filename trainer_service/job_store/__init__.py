"""Jobs, attempts, events, curves, snapshots, exports and hosts in SQL: what survives every process.

Plain synchronous Python. SQLite by default, PostgreSQL by URL; no other room knows SQL. Workers
never open the database.
"""

from trainer_service.job_store.records import (
    Attempt,
    CapacityNumbers,
    CreatedJob,
    Curves,
    EventRecord,
    Hold,
    JobLook,
    JobRecord,
    LogEnds,
    NewJob,
    Outcome,
    Placement,
    Progress,
    Retries,
    Series,
    WaitingJob,
)
from trainer_service.job_store.store import MAX_WAITING_JOBS, JobStore
from trainer_service.jobs.host import HostDevice, HostRecord

__all__ = [
    "MAX_WAITING_JOBS",
    "Attempt",
    "CapacityNumbers",
    "CreatedJob",
    "Curves",
    "EventRecord",
    "Hold",
    "HostDevice",
    "HostRecord",
    "JobLook",
    "JobRecord",
    "JobStore",
    "LogEnds",
    "NewJob",
    "Outcome",
    "Placement",
    "Progress",
    "Retries",
    "Series",
    "WaitingJob",
]
