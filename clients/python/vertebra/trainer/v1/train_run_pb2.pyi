import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENGINE_UNSPECIFIED: _ClassVar[Engine]
    ENGINE_PROCESS: _ClassVar[Engine]
    ENGINE_RAY: _ClassVar[Engine]

class ExitClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXIT_CLASS_UNSPECIFIED: _ClassVar[ExitClass]
    EXIT_CLASS_FINISHED: _ClassVar[ExitClass]
    EXIT_CLASS_PAUSED: _ClassVar[ExitClass]
    EXIT_CLASS_CANCELLED: _ClassVar[ExitClass]
    EXIT_CLASS_REFUSED: _ClassVar[ExitClass]
    EXIT_CLASS_CRASHED: _ClassVar[ExitClass]
    EXIT_CLASS_HUNG: _ClassVar[ExitClass]
    EXIT_CLASS_HOST_OUT_OF_MEMORY: _ClassVar[ExitClass]
    EXIT_CLASS_DEVICE_OUT_OF_MEMORY: _ClassVar[ExitClass]
    EXIT_CLASS_PREEMPTED: _ClassVar[ExitClass]
    EXIT_CLASS_HOST_LOST: _ClassVar[ExitClass]
    EXIT_CLASS_DISK_FULL: _ClassVar[ExitClass]
    EXIT_CLASS_DEADLINE: _ClassVar[ExitClass]
ENGINE_UNSPECIFIED: Engine
ENGINE_PROCESS: Engine
ENGINE_RAY: Engine
EXIT_CLASS_UNSPECIFIED: ExitClass
EXIT_CLASS_FINISHED: ExitClass
EXIT_CLASS_PAUSED: ExitClass
EXIT_CLASS_CANCELLED: ExitClass
EXIT_CLASS_REFUSED: ExitClass
EXIT_CLASS_CRASHED: ExitClass
EXIT_CLASS_HUNG: ExitClass
EXIT_CLASS_HOST_OUT_OF_MEMORY: ExitClass
EXIT_CLASS_DEVICE_OUT_OF_MEMORY: ExitClass
EXIT_CLASS_PREEMPTED: ExitClass
EXIT_CLASS_HOST_LOST: ExitClass
EXIT_CLASS_DISK_FULL: ExitClass
EXIT_CLASS_DEADLINE: ExitClass

class RunSpec(_message.Message):
    __slots__ = ("priority", "num_devices", "engine", "max_failures", "max_preemptions", "time_limit", "snapshot_interval")
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    NUM_DEVICES_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURES_FIELD_NUMBER: _ClassVar[int]
    MAX_PREEMPTIONS_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    priority: int
    num_devices: int
    engine: Engine
    max_failures: int
    max_preemptions: int
    time_limit: _duration_pb2.Duration
    snapshot_interval: _duration_pb2.Duration
    def __init__(self, priority: _Optional[int] = ..., num_devices: _Optional[int] = ..., engine: _Optional[_Union[Engine, str]] = ..., max_failures: _Optional[int] = ..., max_preemptions: _Optional[int] = ..., time_limit: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., snapshot_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("number", "host", "start_time", "end_time", "exit_class", "detail", "start_step", "last_step", "num_devices")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    EXIT_CLASS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    START_STEP_FIELD_NUMBER: _ClassVar[int]
    LAST_STEP_FIELD_NUMBER: _ClassVar[int]
    NUM_DEVICES_FIELD_NUMBER: _ClassVar[int]
    number: int
    host: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    exit_class: ExitClass
    detail: str
    start_step: int
    last_step: int
    num_devices: int
    def __init__(self, number: _Optional[int] = ..., host: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., exit_class: _Optional[_Union[ExitClass, str]] = ..., detail: _Optional[str] = ..., start_step: _Optional[int] = ..., last_step: _Optional[int] = ..., num_devices: _Optional[int] = ...) -> None: ...

class Snapshot(_message.Message):
    __slots__ = ("name", "attempt", "step", "epoch", "create_time", "size_bytes", "save_time", "is_best", "is_pinned", "digest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SAVE_TIME_FIELD_NUMBER: _ClassVar[int]
    IS_BEST_FIELD_NUMBER: _ClassVar[int]
    IS_PINNED_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    attempt: int
    step: int
    epoch: int
    create_time: _timestamp_pb2.Timestamp
    size_bytes: int
    save_time: _duration_pb2.Duration
    is_best: bool
    is_pinned: bool
    digest: str
    def __init__(self, name: _Optional[str] = ..., attempt: _Optional[int] = ..., step: _Optional[int] = ..., epoch: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., size_bytes: _Optional[int] = ..., save_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., is_best: bool = ..., is_pinned: bool = ..., digest: _Optional[str] = ...) -> None: ...

class SnapshotPlan(_message.Message):
    __slots__ = ("size_bytes", "save_time", "interval", "possible_loss")
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SAVE_TIME_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    POSSIBLE_LOSS_FIELD_NUMBER: _ClassVar[int]
    size_bytes: int
    save_time: _duration_pb2.Duration
    interval: _duration_pb2.Duration
    possible_loss: _duration_pb2.Duration
    def __init__(self, size_bytes: _Optional[int] = ..., save_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., possible_loss: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Capacity(_message.Message):
    __slots__ = ("hosts", "num_devices", "num_free_devices", "num_queued_jobs", "num_running_jobs", "oldest_queued_time")
    HOSTS_FIELD_NUMBER: _ClassVar[int]
    NUM_DEVICES_FIELD_NUMBER: _ClassVar[int]
    NUM_FREE_DEVICES_FIELD_NUMBER: _ClassVar[int]
    NUM_QUEUED_JOBS_FIELD_NUMBER: _ClassVar[int]
    NUM_RUNNING_JOBS_FIELD_NUMBER: _ClassVar[int]
    OLDEST_QUEUED_TIME_FIELD_NUMBER: _ClassVar[int]
    hosts: _containers.RepeatedCompositeFieldContainer[Host]
    num_devices: int
    num_free_devices: int
    num_queued_jobs: int
    num_running_jobs: int
    oldest_queued_time: _timestamp_pb2.Timestamp
    def __init__(self, hosts: _Optional[_Iterable[_Union[Host, _Mapping]]] = ..., num_devices: _Optional[int] = ..., num_free_devices: _Optional[int] = ..., num_queued_jobs: _Optional[int] = ..., num_running_jobs: _Optional[int] = ..., oldest_queued_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Host(_message.Message):
    __slots__ = ("host_id", "name", "devices", "seen_time", "is_draining", "engines")
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    SEEN_TIME_FIELD_NUMBER: _ClassVar[int]
    IS_DRAINING_FIELD_NUMBER: _ClassVar[int]
    ENGINES_FIELD_NUMBER: _ClassVar[int]
    host_id: str
    name: str
    devices: _containers.RepeatedCompositeFieldContainer[Device]
    seen_time: _timestamp_pb2.Timestamp
    is_draining: bool
    engines: _containers.RepeatedScalarFieldContainer[Engine]
    def __init__(self, host_id: _Optional[str] = ..., name: _Optional[str] = ..., devices: _Optional[_Iterable[_Union[Device, _Mapping]]] = ..., seen_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., is_draining: bool = ..., engines: _Optional[_Iterable[_Union[Engine, str]]] = ...) -> None: ...

class Device(_message.Message):
    __slots__ = ("kind", "index", "description", "memory_bytes", "job")
    KIND_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    kind: str
    index: int
    description: str
    memory_bytes: int
    job: str
    def __init__(self, kind: _Optional[str] = ..., index: _Optional[int] = ..., description: _Optional[str] = ..., memory_bytes: _Optional[int] = ..., job: _Optional[str] = ...) -> None: ...

class MetricSeries(_message.Message):
    __slots__ = ("name", "steps", "epochs", "values", "num_points")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    NUM_POINTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    steps: _containers.RepeatedScalarFieldContainer[int]
    epochs: _containers.RepeatedScalarFieldContainer[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    num_points: int
    def __init__(self, name: _Optional[str] = ..., steps: _Optional[_Iterable[int]] = ..., epochs: _Optional[_Iterable[int]] = ..., values: _Optional[_Iterable[float]] = ..., num_points: _Optional[int] = ...) -> None: ...
