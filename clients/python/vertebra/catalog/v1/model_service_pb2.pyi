from vertebra.blob.v1 import blob_service_pb2 as _blob_service_pb2
from vertebra.catalog.v1 import architecture_service_pb2 as _architecture_service_pb2
from vertebra.model.v1 import contracts_pb2 as _contracts_pb2
from vertebra.model.v1 import layout_pb2 as _layout_pb2
from vertebra.model.v1 import lineage_pb2 as _lineage_pb2
from vertebra.model.v1 import model_spec_pb2 as _model_spec_pb2
from vertebra.model.v1 import stream_pb2 as _stream_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BuildModelRequest(_message.Message):
    __slots__ = ("spec", "definition_only")
    SPEC_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_ONLY_FIELD_NUMBER: _ClassVar[int]
    spec: _model_spec_pb2.ModelSpec
    definition_only: bool
    def __init__(self, spec: _Optional[_Union[_model_spec_pb2.ModelSpec, _Mapping]] = ..., definition_only: bool = ...) -> None: ...

class DescribeModelRequest(_message.Message):
    __slots__ = ("spec", "freeze_mode", "batch_size", "optimizer", "activation_dtype")
    SPEC_FIELD_NUMBER: _ClassVar[int]
    FREEZE_MODE_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_DTYPE_FIELD_NUMBER: _ClassVar[int]
    spec: _model_spec_pb2.ModelSpec
    freeze_mode: str
    batch_size: int
    optimizer: str
    activation_dtype: str
    def __init__(self, spec: _Optional[_Union[_model_spec_pb2.ModelSpec, _Mapping]] = ..., freeze_mode: _Optional[str] = ..., batch_size: _Optional[int] = ..., optimizer: _Optional[str] = ..., activation_dtype: _Optional[str] = ...) -> None: ...

class DescribeModelResponse(_message.Message):
    __slots__ = ("description",)
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    description: ModelDescription
    def __init__(self, description: _Optional[_Union[ModelDescription, _Mapping]] = ...) -> None: ...

class ModelDescription(_message.Message):
    __slots__ = ("spec", "layout", "recipe", "input", "output", "modules", "feature_maps", "parts", "freeze_mode", "num_parameters", "num_trainable_parameters", "num_frozen_parameters", "num_multiply_adds", "training_memory", "assumptions")
    SPEC_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    MODULES_FIELD_NUMBER: _ClassVar[int]
    FEATURE_MAPS_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    FREEZE_MODE_FIELD_NUMBER: _ClassVar[int]
    NUM_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    NUM_TRAINABLE_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    NUM_FROZEN_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    NUM_MULTIPLY_ADDS_FIELD_NUMBER: _ClassVar[int]
    TRAINING_MEMORY_FIELD_NUMBER: _ClassVar[int]
    ASSUMPTIONS_FIELD_NUMBER: _ClassVar[int]
    spec: _model_spec_pb2.ModelSpec
    layout: _layout_pb2.StateLayout
    recipe: _layout_pb2.Recipe
    input: _contracts_pb2.InputContract
    output: _contracts_pb2.OutputContract
    modules: _containers.RepeatedCompositeFieldContainer[ModuleInfo]
    feature_maps: _containers.RepeatedCompositeFieldContainer[_architecture_service_pb2.FeatureMap]
    parts: _containers.RepeatedCompositeFieldContainer[PartSummary]
    freeze_mode: str
    num_parameters: int
    num_trainable_parameters: int
    num_frozen_parameters: int
    num_multiply_adds: int
    training_memory: MemoryEstimate
    assumptions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, spec: _Optional[_Union[_model_spec_pb2.ModelSpec, _Mapping]] = ..., layout: _Optional[_Union[_layout_pb2.StateLayout, _Mapping]] = ..., recipe: _Optional[_Union[_layout_pb2.Recipe, _Mapping]] = ..., input: _Optional[_Union[_contracts_pb2.InputContract, _Mapping]] = ..., output: _Optional[_Union[_contracts_pb2.OutputContract, _Mapping]] = ..., modules: _Optional[_Iterable[_Union[ModuleInfo, _Mapping]]] = ..., feature_maps: _Optional[_Iterable[_Union[_architecture_service_pb2.FeatureMap, _Mapping]]] = ..., parts: _Optional[_Iterable[_Union[PartSummary, _Mapping]]] = ..., freeze_mode: _Optional[str] = ..., num_parameters: _Optional[int] = ..., num_trainable_parameters: _Optional[int] = ..., num_frozen_parameters: _Optional[int] = ..., num_multiply_adds: _Optional[int] = ..., training_memory: _Optional[_Union[MemoryEstimate, _Mapping]] = ..., assumptions: _Optional[_Iterable[str]] = ...) -> None: ...

class ModuleInfo(_message.Message):
    __slots__ = ("path", "class_name", "role", "stage", "inputs", "outputs", "num_parameters", "num_trainable_parameters", "num_multiply_adds", "summary")
    PATH_FIELD_NUMBER: _ClassVar[int]
    CLASS_NAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    NUM_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    NUM_TRAINABLE_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    NUM_MULTIPLY_ADDS_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    path: str
    class_name: str
    role: _layout_pb2.Role
    stage: str
    inputs: _containers.RepeatedCompositeFieldContainer[TensorShape]
    outputs: _containers.RepeatedCompositeFieldContainer[TensorShape]
    num_parameters: int
    num_trainable_parameters: int
    num_multiply_adds: int
    summary: str
    def __init__(self, path: _Optional[str] = ..., class_name: _Optional[str] = ..., role: _Optional[_Union[_layout_pb2.Role, str]] = ..., stage: _Optional[str] = ..., inputs: _Optional[_Iterable[_Union[TensorShape, _Mapping]]] = ..., outputs: _Optional[_Iterable[_Union[TensorShape, _Mapping]]] = ..., num_parameters: _Optional[int] = ..., num_trainable_parameters: _Optional[int] = ..., num_multiply_adds: _Optional[int] = ..., summary: _Optional[str] = ...) -> None: ...

class TensorShape(_message.Message):
    __slots__ = ("sizes",)
    SIZES_FIELD_NUMBER: _ClassVar[int]
    sizes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, sizes: _Optional[_Iterable[int]] = ...) -> None: ...

class PartSummary(_message.Message):
    __slots__ = ("name", "role", "num_trainable_parameters", "num_frozen_parameters", "num_multiply_adds", "output", "num_blocks_from_end")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    NUM_TRAINABLE_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    NUM_FROZEN_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    NUM_MULTIPLY_ADDS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    NUM_BLOCKS_FROM_END_FIELD_NUMBER: _ClassVar[int]
    name: str
    role: _layout_pb2.Role
    num_trainable_parameters: int
    num_frozen_parameters: int
    num_multiply_adds: int
    output: TensorShape
    num_blocks_from_end: int
    def __init__(self, name: _Optional[str] = ..., role: _Optional[_Union[_layout_pb2.Role, str]] = ..., num_trainable_parameters: _Optional[int] = ..., num_frozen_parameters: _Optional[int] = ..., num_multiply_adds: _Optional[int] = ..., output: _Optional[_Union[TensorShape, _Mapping]] = ..., num_blocks_from_end: _Optional[int] = ...) -> None: ...

class MemoryEstimate(_message.Message):
    __slots__ = ("parameter_bytes", "gradient_bytes", "optimizer_bytes", "activation_bytes_per_image", "batch_size", "total_bytes", "basis", "transient_bytes_per_image")
    PARAMETER_BYTES_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_BYTES_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_BYTES_PER_IMAGE_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    BASIS_FIELD_NUMBER: _ClassVar[int]
    TRANSIENT_BYTES_PER_IMAGE_FIELD_NUMBER: _ClassVar[int]
    parameter_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    activation_bytes_per_image: int
    batch_size: int
    total_bytes: int
    basis: str
    transient_bytes_per_image: int
    def __init__(self, parameter_bytes: _Optional[int] = ..., gradient_bytes: _Optional[int] = ..., optimizer_bytes: _Optional[int] = ..., activation_bytes_per_image: _Optional[int] = ..., batch_size: _Optional[int] = ..., total_bytes: _Optional[int] = ..., basis: _Optional[str] = ..., transient_bytes_per_image: _Optional[int] = ...) -> None: ...

class RenderModelRequest(_message.Message):
    __slots__ = ("spec", "format", "freeze_mode")
    class Format(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FORMAT_UNSPECIFIED: _ClassVar[RenderModelRequest.Format]
        FORMAT_SVG: _ClassVar[RenderModelRequest.Format]
        FORMAT_DOT: _ClassVar[RenderModelRequest.Format]
    FORMAT_UNSPECIFIED: RenderModelRequest.Format
    FORMAT_SVG: RenderModelRequest.Format
    FORMAT_DOT: RenderModelRequest.Format
    SPEC_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    FREEZE_MODE_FIELD_NUMBER: _ClassVar[int]
    spec: _model_spec_pb2.ModelSpec
    format: RenderModelRequest.Format
    freeze_mode: str
    def __init__(self, spec: _Optional[_Union[_model_spec_pb2.ModelSpec, _Mapping]] = ..., format: _Optional[_Union[RenderModelRequest.Format, str]] = ..., freeze_mode: _Optional[str] = ...) -> None: ...

class RenderModelResponse(_message.Message):
    __slots__ = ("content", "media_type")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    content: str
    media_type: str
    def __init__(self, content: _Optional[str] = ..., media_type: _Optional[str] = ...) -> None: ...

class CheckInputRequest(_message.Message):
    __slots__ = ("spec", "height_px", "width_px", "num_channels", "batch_size")
    SPEC_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    NUM_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    spec: _model_spec_pb2.ModelSpec
    height_px: int
    width_px: int
    num_channels: int
    batch_size: int
    def __init__(self, spec: _Optional[_Union[_model_spec_pb2.ModelSpec, _Mapping]] = ..., height_px: _Optional[int] = ..., width_px: _Optional[int] = ..., num_channels: _Optional[int] = ..., batch_size: _Optional[int] = ...) -> None: ...

class CheckInputResponse(_message.Message):
    __slots__ = ("evaluation", "training", "sizes")
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    TRAINING_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    evaluation: InputVerdict
    training: InputVerdict
    sizes: _contracts_pb2.SizeLimits
    def __init__(self, evaluation: _Optional[_Union[InputVerdict, _Mapping]] = ..., training: _Optional[_Union[InputVerdict, _Mapping]] = ..., sizes: _Optional[_Union[_contracts_pb2.SizeLimits, _Mapping]] = ...) -> None: ...

class InputVerdict(_message.Message):
    __slots__ = ("kind", "reasons", "nearest", "seen_height_px", "seen_width_px")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[InputVerdict.Kind]
        KIND_OK: _ClassVar[InputVerdict.Kind]
        KIND_WILL_CROP: _ClassVar[InputVerdict.Kind]
        KIND_NEEDS_INTERPOLATION: _ClassVar[InputVerdict.Kind]
        KIND_ERROR: _ClassVar[InputVerdict.Kind]
    KIND_UNSPECIFIED: InputVerdict.Kind
    KIND_OK: InputVerdict.Kind
    KIND_WILL_CROP: InputVerdict.Kind
    KIND_NEEDS_INTERPOLATION: InputVerdict.Kind
    KIND_ERROR: InputVerdict.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    NEAREST_FIELD_NUMBER: _ClassVar[int]
    SEEN_HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    SEEN_WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    kind: InputVerdict.Kind
    reasons: _containers.RepeatedScalarFieldContainer[str]
    nearest: _containers.RepeatedCompositeFieldContainer[ImageSize]
    seen_height_px: int
    seen_width_px: int
    def __init__(self, kind: _Optional[_Union[InputVerdict.Kind, str]] = ..., reasons: _Optional[_Iterable[str]] = ..., nearest: _Optional[_Iterable[_Union[ImageSize, _Mapping]]] = ..., seen_height_px: _Optional[int] = ..., seen_width_px: _Optional[int] = ...) -> None: ...

class ImageSize(_message.Message):
    __slots__ = ("height_px", "width_px")
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    height_px: int
    width_px: int
    def __init__(self, height_px: _Optional[int] = ..., width_px: _Optional[int] = ...) -> None: ...

class Composition(_message.Message):
    __slots__ = ("backbone", "family", "task", "head", "neck", "is_default", "feature_maps", "is_published")
    BACKBONE_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    NECK_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    FEATURE_MAPS_FIELD_NUMBER: _ClassVar[int]
    IS_PUBLISHED_FIELD_NUMBER: _ClassVar[int]
    backbone: str
    family: str
    task: str
    head: str
    neck: str
    is_default: bool
    feature_maps: _containers.RepeatedScalarFieldContainer[str]
    is_published: bool
    def __init__(self, backbone: _Optional[str] = ..., family: _Optional[str] = ..., task: _Optional[str] = ..., head: _Optional[str] = ..., neck: _Optional[str] = ..., is_default: bool = ..., feature_maps: _Optional[_Iterable[str]] = ..., is_published: bool = ...) -> None: ...

class ListCompositionsRequest(_message.Message):
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

class ListCompositionsResponse(_message.Message):
    __slots__ = ("compositions", "next_page_token", "total_size")
    COMPOSITIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    compositions: _containers.RepeatedCompositeFieldContainer[Composition]
    next_page_token: str
    total_size: int
    def __init__(self, compositions: _Optional[_Iterable[_Union[Composition, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class AdviseTransferRequest(_message.Message):
    __slots__ = ("task", "num_images", "num_classes", "likeness", "architectures", "max_memory_bytes", "batch_size", "licences", "max_parameters", "max_gflops", "max_candidates", "cached_only")
    TASK_FIELD_NUMBER: _ClassVar[int]
    NUM_IMAGES_FIELD_NUMBER: _ClassVar[int]
    NUM_CLASSES_FIELD_NUMBER: _ClassVar[int]
    LIKENESS_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURES_FIELD_NUMBER: _ClassVar[int]
    MAX_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    LICENCES_FIELD_NUMBER: _ClassVar[int]
    MAX_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    MAX_GFLOPS_FIELD_NUMBER: _ClassVar[int]
    MAX_CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    CACHED_ONLY_FIELD_NUMBER: _ClassVar[int]
    task: str
    num_images: int
    num_classes: int
    likeness: str
    architectures: _containers.RepeatedScalarFieldContainer[str]
    max_memory_bytes: int
    batch_size: int
    licences: _containers.RepeatedScalarFieldContainer[str]
    max_parameters: int
    max_gflops: float
    max_candidates: int
    cached_only: bool
    def __init__(self, task: _Optional[str] = ..., num_images: _Optional[int] = ..., num_classes: _Optional[int] = ..., likeness: _Optional[str] = ..., architectures: _Optional[_Iterable[str]] = ..., max_memory_bytes: _Optional[int] = ..., batch_size: _Optional[int] = ..., licences: _Optional[_Iterable[str]] = ..., max_parameters: _Optional[int] = ..., max_gflops: _Optional[float] = ..., max_candidates: _Optional[int] = ..., cached_only: bool = ...) -> None: ...

class AdviseTransferResponse(_message.Message):
    __slots__ = ("advice", "candidates", "excluded")
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_FIELD_NUMBER: _ClassVar[int]
    advice: TransferAdvice
    candidates: _containers.RepeatedCompositeFieldContainer[TransferCandidate]
    excluded: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, advice: _Optional[_Union[TransferAdvice, _Mapping]] = ..., candidates: _Optional[_Iterable[_Union[TransferCandidate, _Mapping]]] = ..., excluded: _Optional[_Iterable[str]] = ...) -> None: ...

class TransferAdvice(_message.Message):
    __slots__ = ("freeze_mode", "head_lr", "backbone_lr", "num_epochs", "weight_decay", "augmentation", "reasons", "alternatives")
    FREEZE_MODE_FIELD_NUMBER: _ClassVar[int]
    HEAD_LR_FIELD_NUMBER: _ClassVar[int]
    BACKBONE_LR_FIELD_NUMBER: _ClassVar[int]
    NUM_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    AUGMENTATION_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    freeze_mode: str
    head_lr: float
    backbone_lr: float
    num_epochs: int
    weight_decay: float
    augmentation: str
    reasons: _containers.RepeatedScalarFieldContainer[str]
    alternatives: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, freeze_mode: _Optional[str] = ..., head_lr: _Optional[float] = ..., backbone_lr: _Optional[float] = ..., num_epochs: _Optional[int] = ..., weight_decay: _Optional[float] = ..., augmentation: _Optional[str] = ..., reasons: _Optional[_Iterable[str]] = ..., alternatives: _Optional[_Iterable[str]] = ...) -> None: ...

class TransferCandidate(_message.Message):
    __slots__ = ("weights", "architecture", "licence", "metric_name", "metric_dataset", "metric_value", "num_parameters", "gflops", "training_memory_bytes", "is_cached", "freeze_mode", "reasons")
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    METRIC_NAME_FIELD_NUMBER: _ClassVar[int]
    METRIC_DATASET_FIELD_NUMBER: _ClassVar[int]
    METRIC_VALUE_FIELD_NUMBER: _ClassVar[int]
    NUM_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    GFLOPS_FIELD_NUMBER: _ClassVar[int]
    TRAINING_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    IS_CACHED_FIELD_NUMBER: _ClassVar[int]
    FREEZE_MODE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    weights: str
    architecture: str
    licence: str
    metric_name: str
    metric_dataset: str
    metric_value: float
    num_parameters: int
    gflops: float
    training_memory_bytes: int
    is_cached: bool
    freeze_mode: str
    reasons: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, weights: _Optional[str] = ..., architecture: _Optional[str] = ..., licence: _Optional[str] = ..., metric_name: _Optional[str] = ..., metric_dataset: _Optional[str] = ..., metric_value: _Optional[float] = ..., num_parameters: _Optional[int] = ..., gflops: _Optional[float] = ..., training_memory_bytes: _Optional[int] = ..., is_cached: bool = ..., freeze_mode: _Optional[str] = ..., reasons: _Optional[_Iterable[str]] = ...) -> None: ...

class BuildModelResponse(_message.Message):
    __slots__ = ("progress", "model", "heartbeat", "end")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    progress: BuildProgress
    model: BuiltModel
    heartbeat: _stream_pb2.Heartbeat
    end: _stream_pb2.StreamEnd
    def __init__(self, progress: _Optional[_Union[BuildProgress, _Mapping]] = ..., model: _Optional[_Union[BuiltModel, _Mapping]] = ..., heartbeat: _Optional[_Union[_stream_pb2.Heartbeat, _Mapping]] = ..., end: _Optional[_Union[_stream_pb2.StreamEnd, _Mapping]] = ...) -> None: ...

class BuildProgress(_message.Message):
    __slots__ = ("step", "message", "bytes_done", "bytes_total")
    class Step(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STEP_UNSPECIFIED: _ClassVar[BuildProgress.Step]
        STEP_RESOLVING: _ClassVar[BuildProgress.Step]
        STEP_VERIFYING: _ClassVar[BuildProgress.Step]
        STEP_CONVERTING: _ClassVar[BuildProgress.Step]
        STEP_BUILDING: _ClassVar[BuildProgress.Step]
        STEP_STORING: _ClassVar[BuildProgress.Step]
        STEP_DOWNLOADING: _ClassVar[BuildProgress.Step]
    STEP_UNSPECIFIED: BuildProgress.Step
    STEP_RESOLVING: BuildProgress.Step
    STEP_VERIFYING: BuildProgress.Step
    STEP_CONVERTING: BuildProgress.Step
    STEP_BUILDING: BuildProgress.Step
    STEP_STORING: BuildProgress.Step
    STEP_DOWNLOADING: BuildProgress.Step
    STEP_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    BYTES_DONE_FIELD_NUMBER: _ClassVar[int]
    BYTES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    step: BuildProgress.Step
    message: str
    bytes_done: int
    bytes_total: int
    def __init__(self, step: _Optional[_Union[BuildProgress.Step, str]] = ..., message: _Optional[str] = ..., bytes_done: _Optional[int] = ..., bytes_total: _Optional[int] = ...) -> None: ...

class BuiltModel(_message.Message):
    __slots__ = ("spec", "spec_digest", "parts", "state_digest", "backbone_digest", "layout", "recipe", "load_report", "input", "output", "lineage", "num_parameters", "num_backbone_parameters", "name")
    SPEC_FIELD_NUMBER: _ClassVar[int]
    SPEC_DIGEST_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    STATE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    BACKBONE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    LOAD_REPORT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    LINEAGE_FIELD_NUMBER: _ClassVar[int]
    NUM_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    NUM_BACKBONE_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    spec: _model_spec_pb2.ModelSpec
    spec_digest: str
    parts: _containers.RepeatedCompositeFieldContainer[StatePart]
    state_digest: str
    backbone_digest: str
    layout: _layout_pb2.StateLayout
    recipe: _layout_pb2.Recipe
    load_report: _layout_pb2.LoadReport
    input: _contracts_pb2.InputContract
    output: _contracts_pb2.OutputContract
    lineage: _lineage_pb2.Lineage
    num_parameters: int
    num_backbone_parameters: int
    name: str
    def __init__(self, spec: _Optional[_Union[_model_spec_pb2.ModelSpec, _Mapping]] = ..., spec_digest: _Optional[str] = ..., parts: _Optional[_Iterable[_Union[StatePart, _Mapping]]] = ..., state_digest: _Optional[str] = ..., backbone_digest: _Optional[str] = ..., layout: _Optional[_Union[_layout_pb2.StateLayout, _Mapping]] = ..., recipe: _Optional[_Union[_layout_pb2.Recipe, _Mapping]] = ..., load_report: _Optional[_Union[_layout_pb2.LoadReport, _Mapping]] = ..., input: _Optional[_Union[_contracts_pb2.InputContract, _Mapping]] = ..., output: _Optional[_Union[_contracts_pb2.OutputContract, _Mapping]] = ..., lineage: _Optional[_Union[_lineage_pb2.Lineage, _Mapping]] = ..., num_parameters: _Optional[int] = ..., num_backbone_parameters: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class StatePart(_message.Message):
    __slots__ = ("role", "blob")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    role: _layout_pb2.Role
    blob: _blob_service_pb2.Blob
    def __init__(self, role: _Optional[_Union[_layout_pb2.Role, str]] = ..., blob: _Optional[_Union[_blob_service_pb2.Blob, _Mapping]] = ...) -> None: ...
