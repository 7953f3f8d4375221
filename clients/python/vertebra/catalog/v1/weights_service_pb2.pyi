from google.protobuf import struct_pb2 as _struct_pb2
from vertebra.catalog.v1 import architecture_service_pb2 as _architecture_service_pb2
from vertebra.model.v1 import contracts_pb2 as _contracts_pb2
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
CACHED_STATE_UNSPECIFIED: CachedState
CACHED_STATE_ABSENT: CachedState
CACHED_STATE_LOCAL_FILE: CachedState
CACHED_STATE_STORED: CachedState

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
