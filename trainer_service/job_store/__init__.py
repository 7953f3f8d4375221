"""Jobs, attempts, events and exports in SQL: what survives every process.

Plain synchronous Python. SQLite by default, PostgreSQL by URL; no other room knows SQL. Workers
never open the database.
"""

from trainer_service.job_store.records import (
    Attempt,
    CreatedJob,
    EventRecord,
    JobRecord,
    JobSummary,
    NewJob,
    Outcome,
    Progress,
)
from trainer_service.job_store.store import JobStore

__all__ = [
    "Attempt",
    "CreatedJob",
    "EventRecord",
    "JobRecord",
    "JobStore",
    "JobSummary",
    "NewJob",
    "Outcome",
    "Progress",
]
