import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from vertebra.trainer.v1 import evaluation_pb2 as _evaluation_pb2
from vertebra.trainer.v1 import train_job_pb2 as _train_job_pb2
from vertebra.trainer.v1 import train_run_pb2 as _train_run_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TrainEvent(_message.Message):
    __slots__ = ("seq", "time", "attempt", "state_changed", "model_ready", "planned", "step_metrics", "epoch_metrics", "warning", "exported", "message", "data_checked", "phase_started", "evaluated", "snapshot_taken", "snapshot_failed", "rolled_back", "attempt_ended")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    STATE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    MODEL_READY_FIELD_NUMBER: _ClassVar[int]
    PLANNED_FIELD_NUMBER: _ClassVar[int]
    STEP_METRICS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_METRICS_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    EXPORTED_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DATA_CHECKED_FIELD_NUMBER: _ClassVar[int]
    PHASE_STARTED_FIELD_NUMBER: _ClassVar[int]
    EVALUATED_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_TAKEN_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FAILED_FIELD_NUMBER: _ClassVar[int]
    ROLLED_BACK_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_ENDED_FIELD_NUMBER: _ClassVar[int]
    seq: int
    time: _timestamp_pb2.Timestamp
    attempt: int
    state_changed: StateChanged
    model_ready: _train_job_pb2.JobModel
    planned: _train_job_pb2.TrainPlan
    step_metrics: StepMetrics
    epoch_metrics: EpochMetrics
    warning: Warning
    exported: _train_job_pb2.Export
    message: Message
    data_checked: DataChecked
    phase_started: PhaseStarted
    evaluated: Evaluated
    snapshot_taken: SnapshotTaken
    snapshot_failed: SnapshotFailed
    rolled_back: RolledBack
    attempt_ended: AttemptEnded
    def __init__(self, seq: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt: _Optional[int] = ..., state_changed: _Optional[_Union[StateChanged, _Mapping]] = ..., model_ready: _Optional[_Union[_train_job_pb2.JobModel, _Mapping]] = ..., planned: _Optional[_Union[_train_job_pb2.TrainPlan, _Mapping]] = ..., step_metrics: _Optional[_Union[StepMetrics, _Mapping]] = ..., epoch_metrics: _Optional[_Union[EpochMetrics, _Mapping]] = ..., warning: _Optional[_Union[Warning, _Mapping]] = ..., exported: _Optional[_Union[_train_job_pb2.Export, _Mapping]] = ..., message: _Optional[_Union[Message, _Mapping]] = ..., data_checked: _Optional[_Union[DataChecked, _Mapping]] = ..., phase_started: _Optional[_Union[PhaseStarted, _Mapping]] = ..., evaluated: _Optional[_Union[Evaluated, _Mapping]] = ..., snapshot_taken: _Optional[_Union[SnapshotTaken, _Mapping]] = ..., snapshot_failed: _Optional[_Union[SnapshotFailed, _Mapping]] = ..., rolled_back: _Optional[_Union[RolledBack, _Mapping]] = ..., attempt_ended: _Optional[_Union[AttemptEnded, _Mapping]] = ...) -> None: ...

class StateChanged(_message.Message):
    __slots__ = ("from_state", "to_state", "reason", "failure")
    FROM_STATE_FIELD_NUMBER: _ClassVar[int]
    TO_STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    from_state: _train_job_pb2.JobState
    to_state: _train_job_pb2.JobState
    reason: str
    failure: _train_job_pb2.JobFailure
    def __init__(self, from_state: _Optional[_Union[_train_job_pb2.JobState, str]] = ..., to_state: _Optional[_Union[_train_job_pb2.JobState, str]] = ..., reason: _Optional[str] = ..., failure: _Optional[_Union[_train_job_pb2.JobFailure, _Mapping]] = ...) -> None: ...

class StepMetrics(_message.Message):
    __slots__ = ("epoch", "step", "values", "images_per_s")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    IMAGES_PER_S_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    step: int
    values: _containers.ScalarMap[str, float]
    images_per_s: float
    def __init__(self, epoch: _Optional[int] = ..., step: _Optional[int] = ..., values: _Optional[_Mapping[str, float]] = ..., images_per_s: _Optional[float] = ...) -> None: ...

class EpochMetrics(_message.Message):
    __slots__ = ("epoch", "split", "values", "step")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    split: str
    values: _containers.ScalarMap[str, float]
    step: int
    def __init__(self, epoch: _Optional[int] = ..., split: _Optional[str] = ..., values: _Optional[_Mapping[str, float]] = ..., step: _Optional[int] = ...) -> None: ...

class Warning(_message.Message):
    __slots__ = ("code", "text")
    CODE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    code: str
    text: str
    def __init__(self, code: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class DataChecked(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: _evaluation_pb2.DataReport
    def __init__(self, report: _Optional[_Union[_evaluation_pb2.DataReport, _Mapping]] = ...) -> None: ...

class PhaseStarted(_message.Message):
    __slots__ = ("phase", "reason", "freeze", "optimizer_groups")
    PHASE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FREEZE_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_GROUPS_FIELD_NUMBER: _ClassVar[int]
    phase: int
    reason: str
    freeze: _train_job_pb2.FreezePlan
    optimizer_groups: _containers.RepeatedCompositeFieldContainer[_train_job_pb2.OptimizerGroup]
    def __init__(self, phase: _Optional[int] = ..., reason: _Optional[str] = ..., freeze: _Optional[_Union[_train_job_pb2.FreezePlan, _Mapping]] = ..., optimizer_groups: _Optional[_Iterable[_Union[_train_job_pb2.OptimizerGroup, _Mapping]]] = ...) -> None: ...

class Evaluated(_message.Message):
    __slots__ = ("epoch", "evaluation")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    evaluation: _evaluation_pb2.Evaluation
    def __init__(self, epoch: _Optional[int] = ..., evaluation: _Optional[_Union[_evaluation_pb2.Evaluation, _Mapping]] = ...) -> None: ...

class SnapshotTaken(_message.Message):
    __slots__ = ("snapshot",)
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    snapshot: _train_run_pb2.Snapshot
    def __init__(self, snapshot: _Optional[_Union[_train_run_pb2.Snapshot, _Mapping]] = ...) -> None: ...

class SnapshotFailed(_message.Message):
    __slots__ = ("reason", "message")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    reason: str
    message: str
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class RolledBack(_message.Message):
    __slots__ = ("to_step", "to_epoch", "num_lost_steps")
    TO_STEP_FIELD_NUMBER: _ClassVar[int]
    TO_EPOCH_FIELD_NUMBER: _ClassVar[int]
    NUM_LOST_STEPS_FIELD_NUMBER: _ClassVar[int]
    to_step: int
    to_epoch: int
    num_lost_steps: int
    def __init__(self, to_step: _Optional[int] = ..., to_epoch: _Optional[int] = ..., num_lost_steps: _Optional[int] = ...) -> None: ...

class AttemptEnded(_message.Message):
    __slots__ = ("number", "exit_class", "detail")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    EXIT_CLASS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    number: int
    exit_class: _train_run_pb2.ExitClass
    detail: str
    def __init__(self, number: _Optional[int] = ..., exit_class: _Optional[_Union[_train_run_pb2.ExitClass, str]] = ..., detail: _Optional[str] = ...) -> None: ...
