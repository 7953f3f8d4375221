from vertebra.model.v1 import layout_pb2 as _layout_pb2
from vertebra.model.v1 import stream_pb2 as _stream_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StatBlobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class StatBlobResponse(_message.Message):
    __slots__ = ("blob", "local_path")
    BLOB_FIELD_NUMBER: _ClassVar[int]
    LOCAL_PATH_FIELD_NUMBER: _ClassVar[int]
    blob: Blob
    local_path: str
    def __init__(self, blob: _Optional[_Union[Blob, _Mapping]] = ..., local_path: _Optional[str] = ...) -> None: ...

class Blob(_message.Message):
    __slots__ = ("name", "digest", "size_bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    size_bytes: int
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class ReadBlobRequest(_message.Message):
    __slots__ = ("name", "offset", "limit", "chunk_bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    offset: int
    limit: int
    chunk_bytes: int
    def __init__(self, name: _Optional[str] = ..., offset: _Optional[int] = ..., limit: _Optional[int] = ..., chunk_bytes: _Optional[int] = ...) -> None: ...

class ReadBlobResponse(_message.Message):
    __slots__ = ("offset", "data", "crc32c", "blob", "end")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CRC32C_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    offset: int
    data: bytes
    crc32c: int
    blob: Blob
    end: _stream_pb2.StreamEnd
    def __init__(self, offset: _Optional[int] = ..., data: _Optional[bytes] = ..., crc32c: _Optional[int] = ..., blob: _Optional[_Union[Blob, _Mapping]] = ..., end: _Optional[_Union[_stream_pb2.StreamEnd, _Mapping]] = ...) -> None: ...

class ReadTensorsRequest(_message.Message):
    __slots__ = ("name", "role", "tensors", "dtype", "header_only", "if_none_match", "offset", "chunk_bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    HEADER_ONLY_FIELD_NUMBER: _ClassVar[int]
    IF_NONE_MATCH_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    CHUNK_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    role: _layout_pb2.Role
    tensors: _containers.RepeatedScalarFieldContainer[str]
    dtype: str
    header_only: bool
    if_none_match: str
    offset: int
    chunk_bytes: int
    def __init__(self, name: _Optional[str] = ..., role: _Optional[_Union[_layout_pb2.Role, str]] = ..., tensors: _Optional[_Iterable[str]] = ..., dtype: _Optional[str] = ..., header_only: bool = ..., if_none_match: _Optional[str] = ..., offset: _Optional[int] = ..., chunk_bytes: _Optional[int] = ...) -> None: ...

class ReadTensorsResponse(_message.Message):
    __slots__ = ("offset", "data", "crc32c", "file", "end", "digest")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CRC32C_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    offset: int
    data: bytes
    crc32c: int
    file: TensorsFile
    end: _stream_pb2.StreamEnd
    digest: str
    def __init__(self, offset: _Optional[int] = ..., data: _Optional[bytes] = ..., crc32c: _Optional[int] = ..., file: _Optional[_Union[TensorsFile, _Mapping]] = ..., end: _Optional[_Union[_stream_pb2.StreamEnd, _Mapping]] = ..., digest: _Optional[str] = ...) -> None: ...

class TensorsFile(_message.Message):
    __slots__ = ("etag", "size_bytes", "num_tensors", "is_not_modified")
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    NUM_TENSORS_FIELD_NUMBER: _ClassVar[int]
    IS_NOT_MODIFIED_FIELD_NUMBER: _ClassVar[int]
    etag: str
    size_bytes: int
    num_tensors: int
    is_not_modified: bool
    def __init__(self, etag: _Optional[str] = ..., size_bytes: _Optional[int] = ..., num_tensors: _Optional[int] = ..., is_not_modified: bool = ...) -> None: ...

class WriteBlobRequest(_message.Message):
    __slots__ = ("header", "offset", "data", "crc32c")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CRC32C_FIELD_NUMBER: _ClassVar[int]
    header: WriteBlobHeader
    offset: int
    data: bytes
    crc32c: int
    def __init__(self, header: _Optional[_Union[WriteBlobHeader, _Mapping]] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ..., crc32c: _Optional[int] = ...) -> None: ...

class WriteBlobHeader(_message.Message):
    __slots__ = ("expected_digest", "expected_size_bytes", "upload_id")
    EXPECTED_DIGEST_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    expected_digest: str
    expected_size_bytes: int
    upload_id: str
    def __init__(self, expected_digest: _Optional[str] = ..., expected_size_bytes: _Optional[int] = ..., upload_id: _Optional[str] = ...) -> None: ...

class QueryWriteRequest(_message.Message):
    __slots__ = ("upload_id",)
    UPLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    upload_id: str
    def __init__(self, upload_id: _Optional[str] = ...) -> None: ...

class QueryWriteResponse(_message.Message):
    __slots__ = ("committed_bytes", "complete", "blob")
    COMMITTED_BYTES_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    committed_bytes: int
    complete: bool
    blob: Blob
    def __init__(self, committed_bytes: _Optional[int] = ..., complete: bool = ..., blob: _Optional[_Union[Blob, _Mapping]] = ...) -> None: ...

class WriteBlobResponse(_message.Message):
    __slots__ = ("blob", "already_existed")
    BLOB_FIELD_NUMBER: _ClassVar[int]
    ALREADY_EXISTED_FIELD_NUMBER: _ClassVar[int]
    blob: Blob
    already_existed: bool
    def __init__(self, blob: _Optional[_Union[Blob, _Mapping]] = ..., already_existed: bool = ...) -> None: ...
