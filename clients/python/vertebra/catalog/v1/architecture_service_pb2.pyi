from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Task(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_UNSPECIFIED: _ClassVar[Task]
    TASK_CLASSIFICATION: _ClassVar[Task]
    TASK_DETECTION: _ClassVar[Task]
    TASK_INSTANCE_SEGMENTATION: _ClassVar[Task]
    TASK_KEYPOINTS: _ClassVar[Task]
    TASK_SEGMENTATION: _ClassVar[Task]
    TASK_VIDEO: _ClassVar[Task]
    TASK_OPTICAL_FLOW: _ClassVar[Task]
    TASK_FEATURES: _ClassVar[Task]
TASK_UNSPECIFIED: Task
TASK_CLASSIFICATION: Task
TASK_DETECTION: Task
TASK_INSTANCE_SEGMENTATION: Task
TASK_KEYPOINTS: Task
TASK_SEGMENTATION: Task
TASK_VIDEO: Task
TASK_OPTICAL_FLOW: Task
TASK_FEATURES: Task

class Architecture(_message.Message):
    __slots__ = ("name", "architecture_id", "family", "task", "num_parameters", "gflops", "num_features", "weights", "default_weights", "min_image_px", "default_image_px", "is_buildable", "float_twin", "library", "licences", "metric_name", "metric_dataset", "metric_value", "is_cached", "backbone_architecture", "feature_maps")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_ID_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    NUM_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    GFLOPS_FIELD_NUMBER: _ClassVar[int]
    NUM_FEATURES_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    MIN_IMAGE_PX_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_IMAGE_PX_FIELD_NUMBER: _ClassVar[int]
    IS_BUILDABLE_FIELD_NUMBER: _ClassVar[int]
    FLOAT_TWIN_FIELD_NUMBER: _ClassVar[int]
    LIBRARY_FIELD_NUMBER: _ClassVar[int]
    LICENCES_FIELD_NUMBER: _ClassVar[int]
    METRIC_NAME_FIELD_NUMBER: _ClassVar[int]
    METRIC_DATASET_FIELD_NUMBER: _ClassVar[int]
    METRIC_VALUE_FIELD_NUMBER: _ClassVar[int]
    IS_CACHED_FIELD_NUMBER: _ClassVar[int]
    BACKBONE_ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    FEATURE_MAPS_FIELD_NUMBER: _ClassVar[int]
    name: str
    architecture_id: str
    family: str
    task: Task
    num_parameters: int
    gflops: float
    num_features: int
    weights: _containers.RepeatedScalarFieldContainer[str]
    default_weights: str
    min_image_px: int
    default_image_px: int
    is_buildable: bool
    float_twin: str
    library: str
    licences: _containers.RepeatedScalarFieldContainer[str]
    metric_name: str
    metric_dataset: str
    metric_value: float
    is_cached: bool
    backbone_architecture: str
    feature_maps: _containers.RepeatedCompositeFieldContainer[FeatureMap]
    def __init__(self, name: _Optional[str] = ..., architecture_id: _Optional[str] = ..., family: _Optional[str] = ..., task: _Optional[_Union[Task, str]] = ..., num_parameters: _Optional[int] = ..., gflops: _Optional[float] = ..., num_features: _Optional[int] = ..., weights: _Optional[_Iterable[str]] = ..., default_weights: _Optional[str] = ..., min_image_px: _Optional[int] = ..., default_image_px: _Optional[int] = ..., is_buildable: bool = ..., float_twin: _Optional[str] = ..., library: _Optional[str] = ..., licences: _Optional[_Iterable[str]] = ..., metric_name: _Optional[str] = ..., metric_dataset: _Optional[str] = ..., metric_value: _Optional[float] = ..., is_cached: bool = ..., backbone_architecture: _Optional[str] = ..., feature_maps: _Optional[_Iterable[_Union[FeatureMap, _Mapping]]] = ...) -> None: ...

class FeatureMap(_message.Message):
    __slots__ = ("name", "stride_px", "num_channels", "height_px", "width_px")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STRIDE_PX_FIELD_NUMBER: _ClassVar[int]
    NUM_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    name: str
    stride_px: int
    num_channels: int
    height_px: int
    width_px: int
    def __init__(self, name: _Optional[str] = ..., stride_px: _Optional[int] = ..., num_channels: _Optional[int] = ..., height_px: _Optional[int] = ..., width_px: _Optional[int] = ...) -> None: ...

class ListArchitecturesRequest(_message.Message):
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

class ListArchitecturesResponse(_message.Message):
    __slots__ = ("architectures", "next_page_token", "total_size")
    ARCHITECTURES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    architectures: _containers.RepeatedCompositeFieldContainer[Architecture]
    next_page_token: str
    total_size: int
    def __init__(self, architectures: _Optional[_Iterable[_Union[Architecture, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class GetArchitectureRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetArchitectureResponse(_message.Message):
    __slots__ = ("architecture",)
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    architecture: Architecture
    def __init__(self, architecture: _Optional[_Union[Architecture, _Mapping]] = ...) -> None: ...
