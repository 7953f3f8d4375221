from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ModelSpec(_message.Message):
    __slots__ = ("backbone", "pretrained", "weights", "freeze_backbone", "classification", "regression", "segmentation", "detection", "instance_segmentation", "keypoints", "features", "neck", "image_height_px", "image_width_px", "seed", "allow_partial", "allow_frozen_random", "in_channels", "stem_adaptation", "remove_modules", "aux_heads", "arguments")
    BACKBONE_FIELD_NUMBER: _ClassVar[int]
    PRETRAINED_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    FREEZE_BACKBONE_FIELD_NUMBER: _ClassVar[int]
    CLASSIFICATION_FIELD_NUMBER: _ClassVar[int]
    REGRESSION_FIELD_NUMBER: _ClassVar[int]
    SEGMENTATION_FIELD_NUMBER: _ClassVar[int]
    DETECTION_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_SEGMENTATION_FIELD_NUMBER: _ClassVar[int]
    KEYPOINTS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    NECK_FIELD_NUMBER: _ClassVar[int]
    IMAGE_HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    IMAGE_WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    ALLOW_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    ALLOW_FROZEN_RANDOM_FIELD_NUMBER: _ClassVar[int]
    IN_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    STEM_ADAPTATION_FIELD_NUMBER: _ClassVar[int]
    REMOVE_MODULES_FIELD_NUMBER: _ClassVar[int]
    AUX_HEADS_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    backbone: str
    pretrained: bool
    weights: str
    freeze_backbone: bool
    classification: ClassificationTask
    regression: RegressionTask
    segmentation: SegmentationTask
    detection: DetectionTask
    instance_segmentation: InstanceSegmentationTask
    keypoints: KeypointsTask
    features: FeaturesTask
    neck: str
    image_height_px: int
    image_width_px: int
    seed: int
    allow_partial: bool
    allow_frozen_random: bool
    in_channels: int
    stem_adaptation: str
    remove_modules: _containers.RepeatedScalarFieldContainer[str]
    aux_heads: str
    arguments: _struct_pb2.Struct
    def __init__(self, backbone: _Optional[str] = ..., pretrained: bool = ..., weights: _Optional[str] = ..., freeze_backbone: bool = ..., classification: _Optional[_Union[ClassificationTask, _Mapping]] = ..., regression: _Optional[_Union[RegressionTask, _Mapping]] = ..., segmentation: _Optional[_Union[SegmentationTask, _Mapping]] = ..., detection: _Optional[_Union[DetectionTask, _Mapping]] = ..., instance_segmentation: _Optional[_Union[InstanceSegmentationTask, _Mapping]] = ..., keypoints: _Optional[_Union[KeypointsTask, _Mapping]] = ..., features: _Optional[_Union[FeaturesTask, _Mapping]] = ..., neck: _Optional[str] = ..., image_height_px: _Optional[int] = ..., image_width_px: _Optional[int] = ..., seed: _Optional[int] = ..., allow_partial: bool = ..., allow_frozen_random: bool = ..., in_channels: _Optional[int] = ..., stem_adaptation: _Optional[str] = ..., remove_modules: _Optional[_Iterable[str]] = ..., aux_heads: _Optional[str] = ..., arguments: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class BackboneStructure(_message.Message):
    __slots__ = ("in_channels", "remove_modules", "arguments", "image_height_px", "image_width_px")
    IN_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    REMOVE_MODULES_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    IMAGE_HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    IMAGE_WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    in_channels: int
    remove_modules: _containers.RepeatedScalarFieldContainer[str]
    arguments: _struct_pb2.Struct
    image_height_px: int
    image_width_px: int
    def __init__(self, in_channels: _Optional[int] = ..., remove_modules: _Optional[_Iterable[str]] = ..., arguments: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., image_height_px: _Optional[int] = ..., image_width_px: _Optional[int] = ...) -> None: ...

class ClassificationTask(_message.Message):
    __slots__ = ("class_names", "num_classes", "multilabel", "hidden_units", "dropout", "pooling", "keep_known_classes")
    CLASS_NAMES_FIELD_NUMBER: _ClassVar[int]
    NUM_CLASSES_FIELD_NUMBER: _ClassVar[int]
    MULTILABEL_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_UNITS_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    POOLING_FIELD_NUMBER: _ClassVar[int]
    KEEP_KNOWN_CLASSES_FIELD_NUMBER: _ClassVar[int]
    class_names: _containers.RepeatedScalarFieldContainer[str]
    num_classes: int
    multilabel: bool
    hidden_units: _containers.RepeatedScalarFieldContainer[int]
    dropout: float
    pooling: str
    keep_known_classes: bool
    def __init__(self, class_names: _Optional[_Iterable[str]] = ..., num_classes: _Optional[int] = ..., multilabel: bool = ..., hidden_units: _Optional[_Iterable[int]] = ..., dropout: _Optional[float] = ..., pooling: _Optional[str] = ..., keep_known_classes: bool = ...) -> None: ...

class RegressionTask(_message.Message):
    __slots__ = ("num_targets", "target_names", "hidden_units", "dropout", "pooling")
    NUM_TARGETS_FIELD_NUMBER: _ClassVar[int]
    TARGET_NAMES_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_UNITS_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    POOLING_FIELD_NUMBER: _ClassVar[int]
    num_targets: int
    target_names: _containers.RepeatedScalarFieldContainer[str]
    hidden_units: _containers.RepeatedScalarFieldContainer[int]
    dropout: float
    pooling: str
    def __init__(self, num_targets: _Optional[int] = ..., target_names: _Optional[_Iterable[str]] = ..., hidden_units: _Optional[_Iterable[int]] = ..., dropout: _Optional[float] = ..., pooling: _Optional[str] = ...) -> None: ...

class SegmentationTask(_message.Message):
    __slots__ = ("class_names", "num_classes", "head", "multilabel", "keep_known_classes")
    CLASS_NAMES_FIELD_NUMBER: _ClassVar[int]
    NUM_CLASSES_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MULTILABEL_FIELD_NUMBER: _ClassVar[int]
    KEEP_KNOWN_CLASSES_FIELD_NUMBER: _ClassVar[int]
    class_names: _containers.RepeatedScalarFieldContainer[str]
    num_classes: int
    head: str
    multilabel: bool
    keep_known_classes: bool
    def __init__(self, class_names: _Optional[_Iterable[str]] = ..., num_classes: _Optional[int] = ..., head: _Optional[str] = ..., multilabel: bool = ..., keep_known_classes: bool = ...) -> None: ...

class DetectionTask(_message.Message):
    __slots__ = ("class_names", "num_classes", "head", "keep_known_classes")
    CLASS_NAMES_FIELD_NUMBER: _ClassVar[int]
    NUM_CLASSES_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    KEEP_KNOWN_CLASSES_FIELD_NUMBER: _ClassVar[int]
    class_names: _containers.RepeatedScalarFieldContainer[str]
    num_classes: int
    head: str
    keep_known_classes: bool
    def __init__(self, class_names: _Optional[_Iterable[str]] = ..., num_classes: _Optional[int] = ..., head: _Optional[str] = ..., keep_known_classes: bool = ...) -> None: ...

class InstanceSegmentationTask(_message.Message):
    __slots__ = ("class_names", "num_classes", "head", "keep_known_classes")
    CLASS_NAMES_FIELD_NUMBER: _ClassVar[int]
    NUM_CLASSES_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    KEEP_KNOWN_CLASSES_FIELD_NUMBER: _ClassVar[int]
    class_names: _containers.RepeatedScalarFieldContainer[str]
    num_classes: int
    head: str
    keep_known_classes: bool
    def __init__(self, class_names: _Optional[_Iterable[str]] = ..., num_classes: _Optional[int] = ..., head: _Optional[str] = ..., keep_known_classes: bool = ...) -> None: ...

class KeypointsTask(_message.Message):
    __slots__ = ("keypoint_names", "num_keypoints", "class_names", "head")
    KEYPOINT_NAMES_FIELD_NUMBER: _ClassVar[int]
    NUM_KEYPOINTS_FIELD_NUMBER: _ClassVar[int]
    CLASS_NAMES_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    keypoint_names: _containers.RepeatedScalarFieldContainer[str]
    num_keypoints: int
    class_names: _containers.RepeatedScalarFieldContainer[str]
    head: str
    def __init__(self, keypoint_names: _Optional[_Iterable[str]] = ..., num_keypoints: _Optional[int] = ..., class_names: _Optional[_Iterable[str]] = ..., head: _Optional[str] = ...) -> None: ...

class FeaturesTask(_message.Message):
    __slots__ = ("output", "pooling")
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    POOLING_FIELD_NUMBER: _ClassVar[int]
    output: str
    pooling: str
    def __init__(self, output: _Optional[str] = ..., pooling: _Optional[str] = ...) -> None: ...
