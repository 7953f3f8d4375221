from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ModelSpec(_message.Message):
    __slots__ = ("backbone", "pretrained", "weights", "freeze_backbone", "classification", "image_height_px", "image_width_px", "seed", "allow_partial", "allow_frozen_random")
    BACKBONE_FIELD_NUMBER: _ClassVar[int]
    PRETRAINED_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    FREEZE_BACKBONE_FIELD_NUMBER: _ClassVar[int]
    CLASSIFICATION_FIELD_NUMBER: _ClassVar[int]
    IMAGE_HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    IMAGE_WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    ALLOW_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    ALLOW_FROZEN_RANDOM_FIELD_NUMBER: _ClassVar[int]
    backbone: str
    pretrained: bool
    weights: str
    freeze_backbone: bool
    classification: ClassificationTask
    image_height_px: int
    image_width_px: int
    seed: int
    allow_partial: bool
    allow_frozen_random: bool
    def __init__(self, backbone: _Optional[str] = ..., pretrained: bool = ..., weights: _Optional[str] = ..., freeze_backbone: bool = ..., classification: _Optional[_Union[ClassificationTask, _Mapping]] = ..., image_height_px: _Optional[int] = ..., image_width_px: _Optional[int] = ..., seed: _Optional[int] = ..., allow_partial: bool = ..., allow_frozen_random: bool = ...) -> None: ...

class ClassificationTask(_message.Message):
    __slots__ = ("class_names", "num_classes")
    CLASS_NAMES_FIELD_NUMBER: _ClassVar[int]
    NUM_CLASSES_FIELD_NUMBER: _ClassVar[int]
    class_names: _containers.RepeatedScalarFieldContainer[str]
    num_classes: int
    def __init__(self, class_names: _Optional[_Iterable[str]] = ..., num_classes: _Optional[int] = ...) -> None: ...
