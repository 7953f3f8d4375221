import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from vertebra.model.v1 import stream_pb2 as _stream_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EchoRequest(_message.Message):
    __slots__ = ("padding", "answer_bytes")
    PADDING_FIELD_NUMBER: _ClassVar[int]
    ANSWER_BYTES_FIELD_NUMBER: _ClassVar[int]
    padding: bytes
    answer_bytes: int
    def __init__(self, padding: _Optional[bytes] = ..., answer_bytes: _Optional[int] = ...) -> None: ...

class EchoResponse(_message.Message):
    __slots__ = ("request_bytes", "padding", "headers", "peer", "principal", "time_remaining", "server_time")
    REQUEST_BYTES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    TIME_REMAINING_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_FIELD_NUMBER: _ClassVar[int]
    request_bytes: int
    padding: bytes
    headers: _containers.RepeatedCompositeFieldContainer[Header]
    peer: str
    principal: str
    time_remaining: _duration_pb2.Duration
    server_time: _timestamp_pb2.Timestamp
    def __init__(self, request_bytes: _Optional[int] = ..., padding: _Optional[bytes] = ..., headers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ..., peer: _Optional[str] = ..., principal: _Optional[str] = ..., time_remaining: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., server_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Header(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class HoldStreamRequest(_message.Message):
    __slots__ = ("duration", "interval")
    DURATION_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    duration: _duration_pb2.Duration
    interval: _duration_pb2.Duration
    def __init__(self, duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class HoldStreamResponse(_message.Message):
    __slots__ = ("heartbeat", "end")
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    heartbeat: _stream_pb2.Heartbeat
    end: _stream_pb2.StreamEnd
    def __init__(self, heartbeat: _Optional[_Union[_stream_pb2.Heartbeat, _Mapping]] = ..., end: _Optional[_Union[_stream_pb2.StreamEnd, _Mapping]] = ...) -> None: ...

class CountCallsRequest(_message.Message):
    __slots__ = ("probe_id", "num_failures")
    PROBE_ID_FIELD_NUMBER: _ClassVar[int]
    NUM_FAILURES_FIELD_NUMBER: _ClassVar[int]
    probe_id: str
    num_failures: int
    def __init__(self, probe_id: _Optional[str] = ..., num_failures: _Optional[int] = ...) -> None: ...

class CountCallsResponse(_message.Message):
    __slots__ = ("num_calls", "headers")
    NUM_CALLS_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    num_calls: int
    headers: _containers.RepeatedCompositeFieldContainer[Header]
    def __init__(self, num_calls: _Optional[int] = ..., headers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ...) -> None: ...
