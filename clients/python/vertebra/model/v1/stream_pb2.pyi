import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Heartbeat(_message.Message):
    __slots__ = ("server_time",)
    SERVER_TIME_FIELD_NUMBER: _ClassVar[int]
    server_time: _timestamp_pb2.Timestamp
    def __init__(self, server_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class StreamEnd(_message.Message):
    __slots__ = ("reason", "resume_after", "retry_after")
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REASON_UNSPECIFIED: _ClassVar[StreamEnd.Reason]
        REASON_COMPLETED: _ClassVar[StreamEnd.Reason]
        REASON_ROTATE: _ClassVar[StreamEnd.Reason]
        REASON_DRAINING: _ClassVar[StreamEnd.Reason]
        REASON_SLOW_CONSUMER: _ClassVar[StreamEnd.Reason]
        REASON_AUTH_EXPIRED: _ClassVar[StreamEnd.Reason]
    REASON_UNSPECIFIED: StreamEnd.Reason
    REASON_COMPLETED: StreamEnd.Reason
    REASON_ROTATE: StreamEnd.Reason
    REASON_DRAINING: StreamEnd.Reason
    REASON_SLOW_CONSUMER: StreamEnd.Reason
    REASON_AUTH_EXPIRED: StreamEnd.Reason
    REASON_FIELD_NUMBER: _ClassVar[int]
    RESUME_AFTER_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    reason: StreamEnd.Reason
    resume_after: int
    retry_after: _duration_pb2.Duration
    def __init__(self, reason: _Optional[_Union[StreamEnd.Reason, str]] = ..., resume_after: _Optional[int] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
