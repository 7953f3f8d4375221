import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from vertebra.blob.v1 import blob_service_pb2 as _blob_service_pb2
from vertebra.model.v1 import layout_pb2 as _layout_pb2
from vertebra.model.v1 import lineage_pb2 as _lineage_pb2
from vertebra.model.v1 import model_spec_pb2 as _model_spec_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Checkpoint(_message.Message):
    __slots__ = ("name", "checkpoint_id", "architecture_id", "backbone_digest", "blob", "lineage", "load_report", "create_time", "metrics", "mean", "std", "structure", "has_bytes", "remedies", "source_digest")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_ID_FIELD_NUMBER: _ClassVar[int]
    BACKBONE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    LINEAGE_FIELD_NUMBER: _ClassVar[int]
    LOAD_REPORT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STD_FIELD_NUMBER: _ClassVar[int]
    STRUCTURE_FIELD_NUMBER: _ClassVar[int]
    HAS_BYTES_FIELD_NUMBER: _ClassVar[int]
    REMEDIES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    checkpoint_id: str
    architecture_id: str
    backbone_digest: str
    blob: _blob_service_pb2.Blob
    lineage: _lineage_pb2.Lineage
    load_report: _layout_pb2.LoadReport
    create_time: _timestamp_pb2.Timestamp
    metrics: _containers.ScalarMap[str, float]
    mean: _containers.RepeatedScalarFieldContainer[float]
    std: _containers.RepeatedScalarFieldContainer[float]
    structure: _model_spec_pb2.BackboneStructure
    has_bytes: bool
    remedies: CheckpointRemedies
    source_digest: str
    def __init__(self, name: _Optional[str] = ..., checkpoint_id: _Optional[str] = ..., architecture_id: _Optional[str] = ..., backbone_digest: _Optional[str] = ..., blob: _Optional[_Union[_blob_service_pb2.Blob, _Mapping]] = ..., lineage: _Optional[_Union[_lineage_pb2.Lineage, _Mapping]] = ..., load_report: _Optional[_Union[_layout_pb2.LoadReport, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., metrics: _Optional[_Mapping[str, float]] = ..., mean: _Optional[_Iterable[float]] = ..., std: _Optional[_Iterable[float]] = ..., structure: _Optional[_Union[_model_spec_pb2.BackboneStructure, _Mapping]] = ..., has_bytes: bool = ..., remedies: _Optional[_Union[CheckpointRemedies, _Mapping]] = ..., source_digest: _Optional[str] = ...) -> None: ...

class CheckpointRemedies(_message.Message):
    __slots__ = ("origin_urls", "recipe", "contact")
    ORIGIN_URLS_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    CONTACT_FIELD_NUMBER: _ClassVar[int]
    origin_urls: _containers.RepeatedScalarFieldContainer[str]
    recipe: str
    contact: str
    def __init__(self, origin_urls: _Optional[_Iterable[str]] = ..., recipe: _Optional[str] = ..., contact: _Optional[str] = ...) -> None: ...

class RegisterCheckpointRequest(_message.Message):
    __slots__ = ("request_id", "checkpoint_id", "architecture_id", "blob_name", "lineage", "metrics", "mean", "std", "structure", "path", "prefix", "remedies", "source_digest")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_ID_FIELD_NUMBER: _ClassVar[int]
    BLOB_NAME_FIELD_NUMBER: _ClassVar[int]
    LINEAGE_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STD_FIELD_NUMBER: _ClassVar[int]
    STRUCTURE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    REMEDIES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    checkpoint_id: str
    architecture_id: str
    blob_name: str
    lineage: _lineage_pb2.Lineage
    metrics: _containers.ScalarMap[str, float]
    mean: _containers.RepeatedScalarFieldContainer[float]
    std: _containers.RepeatedScalarFieldContainer[float]
    structure: _model_spec_pb2.BackboneStructure
    path: str
    prefix: str
    remedies: CheckpointRemedies
    source_digest: str
    def __init__(self, request_id: _Optional[str] = ..., checkpoint_id: _Optional[str] = ..., architecture_id: _Optional[str] = ..., blob_name: _Optional[str] = ..., lineage: _Optional[_Union[_lineage_pb2.Lineage, _Mapping]] = ..., metrics: _Optional[_Mapping[str, float]] = ..., mean: _Optional[_Iterable[float]] = ..., std: _Optional[_Iterable[float]] = ..., structure: _Optional[_Union[_model_spec_pb2.BackboneStructure, _Mapping]] = ..., path: _Optional[str] = ..., prefix: _Optional[str] = ..., remedies: _Optional[_Union[CheckpointRemedies, _Mapping]] = ..., source_digest: _Optional[str] = ...) -> None: ...

class RegisterCheckpointResponse(_message.Message):
    __slots__ = ("checkpoint", "replayed")
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    checkpoint: Checkpoint
    replayed: bool
    def __init__(self, checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ..., replayed: bool = ...) -> None: ...

class GetCheckpointRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetCheckpointResponse(_message.Message):
    __slots__ = ("checkpoint",)
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    checkpoint: Checkpoint
    def __init__(self, checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ...) -> None: ...

class ListCheckpointsRequest(_message.Message):
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

class ListCheckpointsResponse(_message.Message):
    __slots__ = ("checkpoints", "next_page_token", "total_size")
    CHECKPOINTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    checkpoints: _containers.RepeatedCompositeFieldContainer[Checkpoint]
    next_page_token: str
    total_size: int
    def __init__(self, checkpoints: _Optional[_Iterable[_Union[Checkpoint, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class IdentifyCheckpointRequest(_message.Message):
    __slots__ = ("blob_name", "path", "max_candidates")
    BLOB_NAME_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    MAX_CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    blob_name: str
    path: str
    max_candidates: int
    def __init__(self, blob_name: _Optional[str] = ..., path: _Optional[str] = ..., max_candidates: _Optional[int] = ...) -> None: ...

class IdentifyCheckpointResponse(_message.Message):
    __slots__ = ("candidates", "format", "num_tensors", "num_elements", "taken_from", "ignored", "is_unambiguous", "verdict")
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    NUM_TENSORS_FIELD_NUMBER: _ClassVar[int]
    NUM_ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    TAKEN_FROM_FIELD_NUMBER: _ClassVar[int]
    IGNORED_FIELD_NUMBER: _ClassVar[int]
    IS_UNAMBIGUOUS_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    candidates: _containers.RepeatedCompositeFieldContainer[CheckpointCandidate]
    format: str
    num_tensors: int
    num_elements: int
    taken_from: str
    ignored: _containers.RepeatedScalarFieldContainer[str]
    is_unambiguous: bool
    verdict: str
    def __init__(self, candidates: _Optional[_Iterable[_Union[CheckpointCandidate, _Mapping]]] = ..., format: _Optional[str] = ..., num_tensors: _Optional[int] = ..., num_elements: _Optional[int] = ..., taken_from: _Optional[str] = ..., ignored: _Optional[_Iterable[str]] = ..., is_unambiguous: bool = ..., verdict: _Optional[str] = ...) -> None: ...

class CheckpointCandidate(_message.Message):
    __slots__ = ("architecture_id", "structure_of", "prefix", "source_layout", "branch", "num_classes", "in_channels", "image_height_px", "image_width_px", "coverage", "is_match", "reasons", "problems")
    ARCHITECTURE_ID_FIELD_NUMBER: _ClassVar[int]
    STRUCTURE_OF_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    SOURCE_LAYOUT_FIELD_NUMBER: _ClassVar[int]
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    NUM_CLASSES_FIELD_NUMBER: _ClassVar[int]
    IN_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    IMAGE_HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    IMAGE_WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    IS_MATCH_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    architecture_id: str
    structure_of: str
    prefix: str
    source_layout: str
    branch: str
    num_classes: int
    in_channels: int
    image_height_px: int
    image_width_px: int
    coverage: float
    is_match: bool
    reasons: _containers.RepeatedScalarFieldContainer[str]
    problems: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, architecture_id: _Optional[str] = ..., structure_of: _Optional[str] = ..., prefix: _Optional[str] = ..., source_layout: _Optional[str] = ..., branch: _Optional[str] = ..., num_classes: _Optional[int] = ..., in_channels: _Optional[int] = ..., image_height_px: _Optional[int] = ..., image_width_px: _Optional[int] = ..., coverage: _Optional[float] = ..., is_match: bool = ..., reasons: _Optional[_Iterable[str]] = ..., problems: _Optional[_Iterable[str]] = ...) -> None: ...

class DeleteCheckpointRequest(_message.Message):
    __slots__ = ("name", "force", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    force: bool
    request_id: str
    def __init__(self, name: _Optional[str] = ..., force: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteCheckpointResponse(_message.Message):
    __slots__ = ("checkpoint",)
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    checkpoint: Checkpoint
    def __init__(self, checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ...) -> None: ...
