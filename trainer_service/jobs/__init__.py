"""Jobs as plain values: specs, plans, states and the one transition table, events, work orders.

No disk but the attempt folder's small files, no database, no network, no torch. The supervisor and
the worker both speak in these words, so that neither imports the other.
"""

from trainer_service.jobs.events import (
    Cancelled,
    EpochMetrics,
    Export,
    Exported,
    ExportFile,
    Failed,
    Finished,
    JobEvent,
    JobFailure,
    JobMessage,
    JobWarning,
    LastWord,
    ModelReady,
    Planned,
    StateChanged,
    StepMetrics,
)
from trainer_service.jobs.model import JobModel
from trainer_service.jobs.order import (
    LOCK_FILE,
    LOG_FILE,
    ORDER_FILE,
    SPOOL_FILE,
    WORKER_FILE,
    WorkerIdentity,
    WorkOrder,
    read_identity,
    read_order,
    write_identity,
    write_order,
)
from trainer_service.jobs.plan import OptimizerGroup, TrainPlan
from trainer_service.jobs.spec import DatasetSpec, ExportSpec, JobSpec, OptimizerSpec
from trainer_service.jobs.spool import SpoolLine, format_spool_line, parse_spool_line
from trainer_service.jobs.states import (
    FINAL_STATES,
    TRANSITIONS,
    JobState,
    TransitionRefused,
    check_transition,
)

__all__ = [
    "FINAL_STATES",
    "LOCK_FILE",
    "LOG_FILE",
    "ORDER_FILE",
    "SPOOL_FILE",
    "TRANSITIONS",
    "WORKER_FILE",
    "Cancelled",
    "DatasetSpec",
    "EpochMetrics",
    "Export",
    "ExportFile",
    "ExportSpec",
    "Exported",
    "Failed",
    "Finished",
    "JobEvent",
    "JobFailure",
    "JobMessage",
    "JobModel",
    "JobSpec",
    "JobState",
    "JobWarning",
    "LastWord",
    "ModelReady",
    "OptimizerGroup",
    "OptimizerSpec",
    "Planned",
    "SpoolLine",
    "StateChanged",
    "StepMetrics",
    "TrainPlan",
    "TransitionRefused",
    "WorkOrder",
    "WorkerIdentity",
    "check_transition",
    "format_spool_line",
    "parse_spool_line",
    "read_identity",
    "read_order",
    "write_identity",
    "write_order",
]
