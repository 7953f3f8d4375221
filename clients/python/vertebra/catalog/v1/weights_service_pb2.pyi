import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from vertebra.blob.v1 import blob_service_pb2 as _blob_service_pb2
from vertebra.catalog.v1 import architecture_service_pb2 as _architecture_service_pb2
from vertebra.model.v1 import contracts_pb2 as _contracts_pb2
from vertebra.model.v1 import lineage_pb2 as _lineage_pb2
from vertebra.model.v1 import stream_pb2 as _stream_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CachedState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CACHED_STATE_UNSPECIFIED: _ClassVar[CachedState]
    CACHED_STATE_ABSENT: _ClassVar[CachedState]
    CACHED_STATE_LOCAL_FILE: _ClassVar[CachedState]
    CACHED_STATE_STORED: _ClassVar[CachedState]

class Availability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AVAILABILITY_UNSPECIFIED: _ClassVar[Availability]
    AVAILABILITY_STORED: _ClassVar[Availability]
    AVAILABILITY_LOCAL: _ClassVar[Availability]
    AVAILABILITY_REMOTE: _ClassVar[Availability]
    AVAILABILITY_NONE: _ClassVar[Availability]
CACHED_STATE_UNSPECIFIED: CachedState
CACHED_STATE_ABSENT: CachedState
CACHED_STATE_LOCAL_FILE: CachedState
CACHED_STATE_STORED: CachedState
AVAILABILITY_UNSPECIFIED: Availability
AVAILABILITY_STORED: Availability
AVAILABILITY_LOCAL: Availability
AVAILABILITY_REMOTE: Availability
AVAILABILITY_NONE: Availability

class Weights(_message.Message):
    __slots__ = ("name", "reference", "architecture_id", "task", "is_default", "url", "file_name", "sha256_prefix", "size_bytes", "num_parameters", "gflops", "num_categories", "metrics", "recipe_url", "licence", "description", "min_image_height_px", "min_image_width_px", "preprocessing", "transform", "recipe", "cached_state", "categories", "is_gated")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    SHA256_PREFIX_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    NUM_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    GFLOPS_FIELD_NUMBER: _ClassVar[int]
    NUM_CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    RECIPE_URL_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    MIN_IMAGE_HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    MIN_IMAGE_WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    PREPROCESSING_FIELD_NUMBER: _ClassVar[int]
    TRANSFORM_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    CACHED_STATE_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    IS_GATED_FIELD_NUMBER: _ClassVar[int]
    name: str
    reference: str
    architecture_id: str
    task: _architecture_service_pb2.Task
    is_default: bool
    url: str
    file_name: str
    sha256_prefix: str
    size_bytes: int
    num_parameters: int
    gflops: float
    num_categories: int
    metrics: _containers.RepeatedCompositeFieldContainer[Metric]
    recipe_url: str
    licence: str
    description: str
    min_image_height_px: int
    min_image_width_px: int
    preprocessing: _contracts_pb2.InputContract
    transform: _struct_pb2.Struct
    recipe: _struct_pb2.Struct
    cached_state: CachedState
    categories: _containers.RepeatedScalarFieldContainer[str]
    is_gated: bool
    def __init__(self, name: _Optional[str] = ..., reference: _Optional[str] = ..., architecture_id: _Optional[str] = ..., task: _Optional[_Union[_architecture_service_pb2.Task, str]] = ..., is_default: bool = ..., url: _Optional[str] = ..., file_name: _Optional[str] = ..., sha256_prefix: _Optional[str] = ..., size_bytes: _Optional[int] = ..., num_parameters: _Optional[int] = ..., gflops: _Optional[float] = ..., num_categories: _Optional[int] = ..., metrics: _Optional[_Iterable[_Union[Metric, _Mapping]]] = ..., recipe_url: _Optional[str] = ..., licence: _Optional[str] = ..., description: _Optional[str] = ..., min_image_height_px: _Optional[int] = ..., min_image_width_px: _Optional[int] = ..., preprocessing: _Optional[_Union[_contracts_pb2.InputContract, _Mapping]] = ..., transform: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., recipe: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., cached_state: _Optional[_Union[CachedState, str]] = ..., categories: _Optional[_Iterable[str]] = ..., is_gated: bool = ...) -> None: ...

class Metric(_message.Message):
    __slots__ = ("dataset", "name", "value")
    DATASET_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    dataset: str
    name: str
    value: float
    def __init__(self, dataset: _Optional[str] = ..., name: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class ListWeightsRequest(_message.Message):
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

class ListWeightsResponse(_message.Message):
    __slots__ = ("weights", "next_page_token", "total_size")
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    weights: _containers.RepeatedCompositeFieldContainer[Weights]
    next_page_token: str
    total_size: int
    def __init__(self, weights: _Optional[_Iterable[_Union[Weights, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class GetWeightsRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetWeightsResponse(_message.Message):
    __slots__ = ("weights",)
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    weights: Weights
    def __init__(self, weights: _Optional[_Union[Weights, _Mapping]] = ...) -> None: ...

class ExplainWeightsRequest(_message.Message):
    __slots__ = ("name", "probe")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    name: str
    probe: bool
    def __init__(self, name: _Optional[str] = ..., probe: bool = ...) -> None: ...

class ExplainWeightsResponse(_message.Message):
    __slots__ = ("reference", "steps", "availability", "size_bytes", "expected_digest", "expected_proof", "licence", "is_gated", "remedies")
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_DIGEST_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_PROOF_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    IS_GATED_FIELD_NUMBER: _ClassVar[int]
    REMEDIES_FIELD_NUMBER: _ClassVar[int]
    reference: str
    steps: _containers.RepeatedCompositeFieldContainer[TrailStep]
    availability: Availability
    size_bytes: int
    expected_digest: str
    expected_proof: _lineage_pb2.DigestProof
    licence: str
    is_gated: bool
    remedies: _containers.RepeatedCompositeFieldContainer[Remedy]
    def __init__(self, reference: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[TrailStep, _Mapping]]] = ..., availability: _Optional[_Union[Availability, str]] = ..., size_bytes: _Optional[int] = ..., expected_digest: _Optional[str] = ..., expected_proof: _Optional[_Union[_lineage_pb2.DigestProof, str]] = ..., licence: _Optional[str] = ..., is_gated: bool = ..., remedies: _Optional[_Iterable[_Union[Remedy, _Mapping]]] = ...) -> None: ...

class TrailStep(_message.Message):
    __slots__ = ("location", "outcome", "detail", "place")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[TrailStep.Outcome]
        OUTCOME_HIT: _ClassVar[TrailStep.Outcome]
        OUTCOME_ABSENT: _ClassVar[TrailStep.Outcome]
        OUTCOME_WRONG_DIGEST: _ClassVar[TrailStep.Outcome]
        OUTCOME_UNREADABLE: _ClassVar[TrailStep.Outcome]
        OUTCOME_OFFLINE: _ClassVar[TrailStep.Outcome]
        OUTCOME_REFUSED: _ClassVar[TrailStep.Outcome]
        OUTCOME_UNREACHABLE: _ClassVar[TrailStep.Outcome]
        OUTCOME_GATED: _ClassVar[TrailStep.Outcome]
        OUTCOME_SERVER_ERROR: _ClassVar[TrailStep.Outcome]
        OUTCOME_NOT_ASKED: _ClassVar[TrailStep.Outcome]
    OUTCOME_UNSPECIFIED: TrailStep.Outcome
    OUTCOME_HIT: TrailStep.Outcome
    OUTCOME_ABSENT: TrailStep.Outcome
    OUTCOME_WRONG_DIGEST: TrailStep.Outcome
    OUTCOME_UNREADABLE: TrailStep.Outcome
    OUTCOME_OFFLINE: TrailStep.Outcome
    OUTCOME_REFUSED: TrailStep.Outcome
    OUTCOME_UNREACHABLE: TrailStep.Outcome
    OUTCOME_GATED: TrailStep.Outcome
    OUTCOME_SERVER_ERROR: TrailStep.Outcome
    OUTCOME_NOT_ASKED: TrailStep.Outcome
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    location: str
    outcome: TrailStep.Outcome
    detail: str
    place: str
    def __init__(self, location: _Optional[str] = ..., outcome: _Optional[_Union[TrailStep.Outcome, str]] = ..., detail: _Optional[str] = ..., place: _Optional[str] = ...) -> None: ...

class Remedy(_message.Message):
    __slots__ = ("kind", "text", "url")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Remedy.Kind]
        KIND_MIRROR: _ClassVar[Remedy.Kind]
        KIND_ORIGIN: _ClassVar[Remedy.Kind]
        KIND_RECIPE: _ClassVar[Remedy.Kind]
        KIND_CONTACT: _ClassVar[Remedy.Kind]
    KIND_UNSPECIFIED: Remedy.Kind
    KIND_MIRROR: Remedy.Kind
    KIND_ORIGIN: Remedy.Kind
    KIND_RECIPE: Remedy.Kind
    KIND_CONTACT: Remedy.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    kind: Remedy.Kind
    text: str
    url: str
    def __init__(self, kind: _Optional[_Union[Remedy.Kind, str]] = ..., text: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...

class EnsureWeightsRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class EnsureWeightsResponse(_message.Message):
    __slots__ = ("progress", "weights", "heartbeat", "end")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    progress: EnsureProgress
    weights: EnsuredWeights
    heartbeat: _stream_pb2.Heartbeat
    end: _stream_pb2.StreamEnd
    def __init__(self, progress: _Optional[_Union[EnsureProgress, _Mapping]] = ..., weights: _Optional[_Union[EnsuredWeights, _Mapping]] = ..., heartbeat: _Optional[_Union[_stream_pb2.Heartbeat, _Mapping]] = ..., end: _Optional[_Union[_stream_pb2.StreamEnd, _Mapping]] = ...) -> None: ...

class EnsureProgress(_message.Message):
    __slots__ = ("step", "text", "location", "bytes_done", "bytes_total", "bytes_per_s", "remaining", "left")
    class Step(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STEP_UNSPECIFIED: _ClassVar[EnsureProgress.Step]
        STEP_RESOLVING: _ClassVar[EnsureProgress.Step]
        STEP_WAITING: _ClassVar[EnsureProgress.Step]
        STEP_DOWNLOADING: _ClassVar[EnsureProgress.Step]
        STEP_VERIFYING: _ClassVar[EnsureProgress.Step]
        STEP_CONVERTING: _ClassVar[EnsureProgress.Step]
        STEP_STORING: _ClassVar[EnsureProgress.Step]
    STEP_UNSPECIFIED: EnsureProgress.Step
    STEP_RESOLVING: EnsureProgress.Step
    STEP_WAITING: EnsureProgress.Step
    STEP_DOWNLOADING: EnsureProgress.Step
    STEP_VERIFYING: EnsureProgress.Step
    STEP_CONVERTING: EnsureProgress.Step
    STEP_STORING: EnsureProgress.Step
    STEP_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    BYTES_DONE_FIELD_NUMBER: _ClassVar[int]
    BYTES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    BYTES_PER_S_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    step: EnsureProgress.Step
    text: str
    location: str
    bytes_done: int
    bytes_total: int
    bytes_per_s: float
    remaining: _duration_pb2.Duration
    left: TrailStep
    def __init__(self, step: _Optional[_Union[EnsureProgress.Step, str]] = ..., text: _Optional[str] = ..., location: _Optional[str] = ..., bytes_done: _Optional[int] = ..., bytes_total: _Optional[int] = ..., bytes_per_s: _Optional[float] = ..., remaining: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., left: _Optional[_Union[TrailStep, _Mapping]] = ...) -> None: ...

class EnsuredWeights(_message.Message):
    __slots__ = ("reference", "architecture_id", "blob", "source_digest", "source_proof", "rules", "trail", "licence", "ignored", "non_finite")
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_ID_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    SOURCE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SOURCE_PROOF_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    TRAIL_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    IGNORED_FIELD_NUMBER: _ClassVar[int]
    NON_FINITE_FIELD_NUMBER: _ClassVar[int]
    reference: str
    architecture_id: str
    blob: _blob_service_pb2.Blob
    source_digest: str
    source_proof: _lineage_pb2.DigestProof
    rules: _containers.RepeatedScalarFieldContainer[str]
    trail: _containers.RepeatedCompositeFieldContainer[TrailStep]
    licence: str
    ignored: _containers.RepeatedScalarFieldContainer[str]
    non_finite: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, reference: _Optional[str] = ..., architecture_id: _Optional[str] = ..., blob: _Optional[_Union[_blob_service_pb2.Blob, _Mapping]] = ..., source_digest: _Optional[str] = ..., source_proof: _Optional[_Union[_lineage_pb2.DigestProof, str]] = ..., rules: _Optional[_Iterable[str]] = ..., trail: _Optional[_Iterable[_Union[TrailStep, _Mapping]]] = ..., licence: _Optional[str] = ..., ignored: _Optional[_Iterable[str]] = ..., non_finite: _Optional[_Iterable[str]] = ...) -> None: ...
