from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InputContract(_message.Message):
    __slots__ = ("num_channels", "height_px", "width_px", "resize_shorter_side_px", "interpolation", "mean", "std", "rescale_factor", "channel_names", "is_image_list", "max_longer_side_px", "num_frames", "sizes", "keeps_whole_image", "resize_height_px", "resize_width_px")
    NUM_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    RESIZE_SHORTER_SIDE_PX_FIELD_NUMBER: _ClassVar[int]
    INTERPOLATION_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STD_FIELD_NUMBER: _ClassVar[int]
    RESCALE_FACTOR_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_NAMES_FIELD_NUMBER: _ClassVar[int]
    IS_IMAGE_LIST_FIELD_NUMBER: _ClassVar[int]
    MAX_LONGER_SIDE_PX_FIELD_NUMBER: _ClassVar[int]
    NUM_FRAMES_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    KEEPS_WHOLE_IMAGE_FIELD_NUMBER: _ClassVar[int]
    RESIZE_HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    RESIZE_WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    num_channels: int
    height_px: int
    width_px: int
    resize_shorter_side_px: int
    interpolation: str
    mean: _containers.RepeatedScalarFieldContainer[float]
    std: _containers.RepeatedScalarFieldContainer[float]
    rescale_factor: float
    channel_names: _containers.RepeatedScalarFieldContainer[str]
    is_image_list: bool
    max_longer_side_px: int
    num_frames: int
    sizes: SizeLimits
    keeps_whole_image: bool
    resize_height_px: int
    resize_width_px: int
    def __init__(self, num_channels: _Optional[int] = ..., height_px: _Optional[int] = ..., width_px: _Optional[int] = ..., resize_shorter_side_px: _Optional[int] = ..., interpolation: _Optional[str] = ..., mean: _Optional[_Iterable[float]] = ..., std: _Optional[_Iterable[float]] = ..., rescale_factor: _Optional[float] = ..., channel_names: _Optional[_Iterable[str]] = ..., is_image_list: bool = ..., max_longer_side_px: _Optional[int] = ..., num_frames: _Optional[int] = ..., sizes: _Optional[_Union[SizeLimits, _Mapping]] = ..., keeps_whole_image: bool = ..., resize_height_px: _Optional[int] = ..., resize_width_px: _Optional[int] = ...) -> None: ...

class SizeLimits(_message.Message):
    __slots__ = ("min_px", "min_training_px", "multiple_of_px", "crops_border", "is_fixed", "min_training_batch")
    MIN_PX_FIELD_NUMBER: _ClassVar[int]
    MIN_TRAINING_PX_FIELD_NUMBER: _ClassVar[int]
    MULTIPLE_OF_PX_FIELD_NUMBER: _ClassVar[int]
    CROPS_BORDER_FIELD_NUMBER: _ClassVar[int]
    IS_FIXED_FIELD_NUMBER: _ClassVar[int]
    MIN_TRAINING_BATCH_FIELD_NUMBER: _ClassVar[int]
    min_px: int
    min_training_px: int
    multiple_of_px: int
    crops_border: bool
    is_fixed: bool
    min_training_batch: int
    def __init__(self, min_px: _Optional[int] = ..., min_training_px: _Optional[int] = ..., multiple_of_px: _Optional[int] = ..., crops_border: bool = ..., is_fixed: bool = ..., min_training_batch: _Optional[int] = ...) -> None: ...

class OutputContract(_message.Message):
    __slots__ = ("kind", "shape", "class_names", "activation", "tensors", "detection", "keypoint_names", "target_mean", "target_std", "target_names")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    CLASS_NAMES_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    DETECTION_FIELD_NUMBER: _ClassVar[int]
    KEYPOINT_NAMES_FIELD_NUMBER: _ClassVar[int]
    TARGET_MEAN_FIELD_NUMBER: _ClassVar[int]
    TARGET_STD_FIELD_NUMBER: _ClassVar[int]
    TARGET_NAMES_FIELD_NUMBER: _ClassVar[int]
    kind: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    class_names: _containers.RepeatedScalarFieldContainer[str]
    activation: str
    tensors: _containers.RepeatedCompositeFieldContainer[OutputTensor]
    detection: DetectionRule
    keypoint_names: _containers.RepeatedScalarFieldContainer[str]
    target_mean: _containers.RepeatedScalarFieldContainer[float]
    target_std: _containers.RepeatedScalarFieldContainer[float]
    target_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, kind: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., class_names: _Optional[_Iterable[str]] = ..., activation: _Optional[str] = ..., tensors: _Optional[_Iterable[_Union[OutputTensor, _Mapping]]] = ..., detection: _Optional[_Union[DetectionRule, _Mapping]] = ..., keypoint_names: _Optional[_Iterable[str]] = ..., target_mean: _Optional[_Iterable[float]] = ..., target_std: _Optional[_Iterable[float]] = ..., target_names: _Optional[_Iterable[str]] = ...) -> None: ...

class OutputTensor(_message.Message):
    __slots__ = ("name", "dtype", "shape", "meaning")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    MEANING_FIELD_NUMBER: _ClassVar[int]
    name: str
    dtype: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    meaning: str
    def __init__(self, name: _Optional[str] = ..., dtype: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., meaning: _Optional[str] = ...) -> None: ...

class DetectionRule(_message.Message):
    __slots__ = ("score_threshold", "nms_iou_threshold", "max_detections", "box_format", "mask_threshold")
    SCORE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    NMS_IOU_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MAX_DETECTIONS_FIELD_NUMBER: _ClassVar[int]
    BOX_FORMAT_FIELD_NUMBER: _ClassVar[int]
    MASK_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    score_threshold: float
    nms_iou_threshold: float
    max_detections: int
    box_format: str
    mask_threshold: float
    def __init__(self, score_threshold: _Optional[float] = ..., nms_iou_threshold: _Optional[float] = ..., max_detections: _Optional[int] = ..., box_format: _Optional[str] = ..., mask_threshold: _Optional[float] = ...) -> None: ...
