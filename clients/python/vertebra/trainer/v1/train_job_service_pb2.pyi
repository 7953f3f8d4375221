import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from vertebra.model.v1 import stream_pb2 as _stream_pb2
from vertebra.trainer.v1 import train_event_pb2 as _train_event_pb2
from vertebra.trainer.v1 import train_form_pb2 as _train_form_pb2
from vertebra.trainer.v1 import train_job_pb2 as _train_job_pb2
from vertebra.trainer.v1 import train_run_pb2 as _train_run_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PlanTrainJobRequest(_message.Message):
    __slots__ = ("spec",)
    SPEC_FIELD_NUMBER: _ClassVar[int]
    spec: _train_job_pb2.TrainJobSpec
    def __init__(self, spec: _Optional[_Union[_train_job_pb2.TrainJobSpec, _Mapping]] = ...) -> None: ...

class PlanTrainJobResponse(_message.Message):
    __slots__ = ("plan", "spec")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    plan: _train_job_pb2.TrainPlan
    spec: _train_job_pb2.TrainJobSpec
    def __init__(self, plan: _Optional[_Union[_train_job_pb2.TrainPlan, _Mapping]] = ..., spec: _Optional[_Union[_train_job_pb2.TrainJobSpec, _Mapping]] = ...) -> None: ...

class CreateTrainJobRequest(_message.Message):
    __slots__ = ("request_id", "spec")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    spec: _train_job_pb2.TrainJobSpec
    def __init__(self, request_id: _Optional[str] = ..., spec: _Optional[_Union[_train_job_pb2.TrainJobSpec, _Mapping]] = ...) -> None: ...

class CreateTrainJobResponse(_message.Message):
    __slots__ = ("job", "replayed")
    JOB_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    job: _train_job_pb2.TrainJob
    replayed: bool
    def __init__(self, job: _Optional[_Union[_train_job_pb2.TrainJob, _Mapping]] = ..., replayed: bool = ...) -> None: ...

class GetTrainJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetTrainJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: _train_job_pb2.TrainJob
    def __init__(self, job: _Optional[_Union[_train_job_pb2.TrainJob, _Mapping]] = ...) -> None: ...

class ListTrainJobsRequest(_message.Message):
    __slots__ = ("filter", "order_by", "page_size", "page_token")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    filter: str
    order_by: str
    page_size: int
    page_token: str
    def __init__(self, filter: _Optional[str] = ..., order_by: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTrainJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token", "total_size")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[_train_job_pb2.TrainJob]
    next_page_token: str
    total_size: int
    def __init__(self, jobs: _Optional[_Iterable[_Union[_train_job_pb2.TrainJob, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class WatchTrainJobRequest(_message.Message):
    __slots__ = ("name", "log_id", "after_seq", "heartbeat", "max_duration")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    MAX_DURATION_FIELD_NUMBER: _ClassVar[int]
    name: str
    log_id: str
    after_seq: int
    heartbeat: _duration_pb2.Duration
    max_duration: _duration_pb2.Duration
    def __init__(self, name: _Optional[str] = ..., log_id: _Optional[str] = ..., after_seq: _Optional[int] = ..., heartbeat: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchTrainJobResponse(_message.Message):
    __slots__ = ("log_id", "events", "bookmark", "end")
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    BOOKMARK_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    log_id: str
    events: EventBatch
    bookmark: Bookmark
    end: _stream_pb2.StreamEnd
    def __init__(self, log_id: _Optional[str] = ..., events: _Optional[_Union[EventBatch, _Mapping]] = ..., bookmark: _Optional[_Union[Bookmark, _Mapping]] = ..., end: _Optional[_Union[_stream_pb2.StreamEnd, _Mapping]] = ...) -> None: ...

class EventBatch(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_train_event_pb2.TrainEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[_train_event_pb2.TrainEvent, _Mapping]]] = ...) -> None: ...

class Bookmark(_message.Message):
    __slots__ = ("seq", "server_time")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_FIELD_NUMBER: _ClassVar[int]
    seq: int
    server_time: _timestamp_pb2.Timestamp
    def __init__(self, seq: _Optional[int] = ..., server_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListTrainJobEventsRequest(_message.Message):
    __slots__ = ("name", "log_id", "after_seq", "page_size", "wait")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    log_id: str
    after_seq: int
    page_size: int
    wait: _duration_pb2.Duration
    def __init__(self, name: _Optional[str] = ..., log_id: _Optional[str] = ..., after_seq: _Optional[int] = ..., page_size: _Optional[int] = ..., wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ListTrainJobEventsResponse(_message.Message):
    __slots__ = ("log_id", "events", "last_seq", "is_final")
    LOG_ID_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    IS_FINAL_FIELD_NUMBER: _ClassVar[int]
    log_id: str
    events: _containers.RepeatedCompositeFieldContainer[_train_event_pb2.TrainEvent]
    last_seq: int
    is_final: bool
    def __init__(self, log_id: _Optional[str] = ..., events: _Optional[_Iterable[_Union[_train_event_pb2.TrainEvent, _Mapping]]] = ..., last_seq: _Optional[int] = ..., is_final: bool = ...) -> None: ...

class CancelTrainJobRequest(_message.Message):
    __slots__ = ("name", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CancelTrainJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: _train_job_pb2.TrainJob
    def __init__(self, job: _Optional[_Union[_train_job_pb2.TrainJob, _Mapping]] = ...) -> None: ...

class PauseTrainJobRequest(_message.Message):
    __slots__ = ("name", "request_id", "reason", "deadline")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    reason: str
    deadline: _duration_pb2.Duration
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class PauseTrainJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: _train_job_pb2.TrainJob
    def __init__(self, job: _Optional[_Union[_train_job_pb2.TrainJob, _Mapping]] = ...) -> None: ...

class ResumeTrainJobRequest(_message.Message):
    __slots__ = ("name", "request_id", "reason", "snapshot")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    reason: str
    snapshot: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., snapshot: _Optional[str] = ...) -> None: ...

class ResumeTrainJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: _train_job_pb2.TrainJob
    def __init__(self, job: _Optional[_Union[_train_job_pb2.TrainJob, _Mapping]] = ...) -> None: ...

class DeleteTrainJobRequest(_message.Message):
    __slots__ = ("name", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteTrainJobResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListSnapshotsRequest(_message.Message):
    __slots__ = ("name", "page_size", "page_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    page_size: int
    page_token: str
    def __init__(self, name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSnapshotsResponse(_message.Message):
    __slots__ = ("snapshots", "next_page_token")
    SNAPSHOTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    snapshots: _containers.RepeatedCompositeFieldContainer[_train_run_pb2.Snapshot]
    next_page_token: str
    def __init__(self, snapshots: _Optional[_Iterable[_Union[_train_run_pb2.Snapshot, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class PinSnapshotRequest(_message.Message):
    __slots__ = ("name", "pinned")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PINNED_FIELD_NUMBER: _ClassVar[int]
    name: str
    pinned: bool
    def __init__(self, name: _Optional[str] = ..., pinned: bool = ...) -> None: ...

class PinSnapshotResponse(_message.Message):
    __slots__ = ("snapshot",)
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    snapshot: _train_run_pb2.Snapshot
    def __init__(self, snapshot: _Optional[_Union[_train_run_pb2.Snapshot, _Mapping]] = ...) -> None: ...

class QueryMetricsRequest(_message.Message):
    __slots__ = ("name", "series", "min_step", "max_step", "max_points")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    MIN_STEP_FIELD_NUMBER: _ClassVar[int]
    MAX_STEP_FIELD_NUMBER: _ClassVar[int]
    MAX_POINTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    series: _containers.RepeatedScalarFieldContainer[str]
    min_step: int
    max_step: int
    max_points: int
    def __init__(self, name: _Optional[str] = ..., series: _Optional[_Iterable[str]] = ..., min_step: _Optional[int] = ..., max_step: _Optional[int] = ..., max_points: _Optional[int] = ...) -> None: ...

class QueryMetricsResponse(_message.Message):
    __slots__ = ("series", "last_seq")
    SERIES_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    series: _containers.RepeatedCompositeFieldContainer[_train_run_pb2.MetricSeries]
    last_seq: int
    def __init__(self, series: _Optional[_Iterable[_Union[_train_run_pb2.MetricSeries, _Mapping]]] = ..., last_seq: _Optional[int] = ...) -> None: ...

class GetCapacityRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetCapacityResponse(_message.Message):
    __slots__ = ("capacity",)
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    capacity: _train_run_pb2.Capacity
    def __init__(self, capacity: _Optional[_Union[_train_run_pb2.Capacity, _Mapping]] = ...) -> None: ...

class GetTrainFormRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetTrainFormResponse(_message.Message):
    __slots__ = ("form",)
    FORM_FIELD_NUMBER: _ClassVar[int]
    form: _train_form_pb2.TrainForm
    def __init__(self, form: _Optional[_Union[_train_form_pb2.TrainForm, _Mapping]] = ...) -> None: ...

class ListExportsRequest(_message.Message):
    __slots__ = ("name", "page_size", "page_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    page_size: int
    page_token: str
    def __init__(self, name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListExportsResponse(_message.Message):
    __slots__ = ("exports", "next_page_token")
    EXPORTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    exports: _containers.RepeatedCompositeFieldContainer[_train_job_pb2.Export]
    next_page_token: str
    def __init__(self, exports: _Optional[_Iterable[_Union[_train_job_pb2.Export, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
