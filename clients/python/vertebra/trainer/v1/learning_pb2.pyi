from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Precision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRECISION_UNSPECIFIED: _ClassVar[Precision]
    PRECISION_FP32: _ClassVar[Precision]
    PRECISION_BF16: _ClassVar[Precision]
    PRECISION_FP16: _ClassVar[Precision]

class CompilePolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMPILE_POLICY_UNSPECIFIED: _ClassVar[CompilePolicy]
    COMPILE_POLICY_NEVER: _ClassVar[CompilePolicy]
    COMPILE_POLICY_WHERE_IT_PAYS: _ClassVar[CompilePolicy]
    COMPILE_POLICY_ALWAYS: _ClassVar[CompilePolicy]
PRECISION_UNSPECIFIED: Precision
PRECISION_FP32: Precision
PRECISION_BF16: Precision
PRECISION_FP16: Precision
COMPILE_POLICY_UNSPECIFIED: CompilePolicy
COMPILE_POLICY_NEVER: CompilePolicy
COMPILE_POLICY_WHERE_IT_PAYS: CompilePolicy
COMPILE_POLICY_ALWAYS: CompilePolicy

class LossSpec(_message.Message):
    __slots__ = ("kind", "label_smoothing", "class_weights", "ignore_index")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[LossSpec.Kind]
        KIND_CROSS_ENTROPY: _ClassVar[LossSpec.Kind]
        KIND_BCE: _ClassVar[LossSpec.Kind]
        KIND_DICE: _ClassVar[LossSpec.Kind]
        KIND_BCE_DICE: _ClassVar[LossSpec.Kind]
        KIND_CROSS_ENTROPY_DICE: _ClassVar[LossSpec.Kind]
        KIND_MSE: _ClassVar[LossSpec.Kind]
        KIND_L1: _ClassVar[LossSpec.Kind]
        KIND_SMOOTH_L1: _ClassVar[LossSpec.Kind]
    KIND_UNSPECIFIED: LossSpec.Kind
    KIND_CROSS_ENTROPY: LossSpec.Kind
    KIND_BCE: LossSpec.Kind
    KIND_DICE: LossSpec.Kind
    KIND_BCE_DICE: LossSpec.Kind
    KIND_CROSS_ENTROPY_DICE: LossSpec.Kind
    KIND_MSE: LossSpec.Kind
    KIND_L1: LossSpec.Kind
    KIND_SMOOTH_L1: LossSpec.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    LABEL_SMOOTHING_FIELD_NUMBER: _ClassVar[int]
    CLASS_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    IGNORE_INDEX_FIELD_NUMBER: _ClassVar[int]
    kind: LossSpec.Kind
    label_smoothing: float
    class_weights: ClassWeights
    ignore_index: int
    def __init__(self, kind: _Optional[_Union[LossSpec.Kind, str]] = ..., label_smoothing: _Optional[float] = ..., class_weights: _Optional[_Union[ClassWeights, _Mapping]] = ..., ignore_index: _Optional[int] = ...) -> None: ...

class ClassWeights(_message.Message):
    __slots__ = ("rule", "weights")
    class Rule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        RULE_UNSPECIFIED: _ClassVar[ClassWeights.Rule]
        RULE_NONE: _ClassVar[ClassWeights.Rule]
        RULE_BALANCED: _ClassVar[ClassWeights.Rule]
        RULE_EFFECTIVE: _ClassVar[ClassWeights.Rule]
        RULE_EXPLICIT: _ClassVar[ClassWeights.Rule]
    RULE_UNSPECIFIED: ClassWeights.Rule
    RULE_NONE: ClassWeights.Rule
    RULE_BALANCED: ClassWeights.Rule
    RULE_EFFECTIVE: ClassWeights.Rule
    RULE_EXPLICIT: ClassWeights.Rule
    RULE_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    rule: ClassWeights.Rule
    weights: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, rule: _Optional[_Union[ClassWeights.Rule, str]] = ..., weights: _Optional[_Iterable[float]] = ...) -> None: ...

class ScheduleSpec(_message.Message):
    __slots__ = ("kind", "warmup_steps", "warmup_epochs", "final_lr_ratio")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[ScheduleSpec.Kind]
        KIND_CONSTANT: _ClassVar[ScheduleSpec.Kind]
        KIND_COSINE: _ClassVar[ScheduleSpec.Kind]
        KIND_LINEAR: _ClassVar[ScheduleSpec.Kind]
    KIND_UNSPECIFIED: ScheduleSpec.Kind
    KIND_CONSTANT: ScheduleSpec.Kind
    KIND_COSINE: ScheduleSpec.Kind
    KIND_LINEAR: ScheduleSpec.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    WARMUP_STEPS_FIELD_NUMBER: _ClassVar[int]
    WARMUP_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    FINAL_LR_RATIO_FIELD_NUMBER: _ClassVar[int]
    kind: ScheduleSpec.Kind
    warmup_steps: int
    warmup_epochs: float
    final_lr_ratio: float
    def __init__(self, kind: _Optional[_Union[ScheduleSpec.Kind, str]] = ..., warmup_steps: _Optional[int] = ..., warmup_epochs: _Optional[float] = ..., final_lr_ratio: _Optional[float] = ...) -> None: ...

class EarlyStopping(_message.Message):
    __slots__ = ("metric", "patience_epochs", "min_delta")
    METRIC_FIELD_NUMBER: _ClassVar[int]
    PATIENCE_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    MIN_DELTA_FIELD_NUMBER: _ClassVar[int]
    metric: str
    patience_epochs: int
    min_delta: float
    def __init__(self, metric: _Optional[str] = ..., patience_epochs: _Optional[int] = ..., min_delta: _Optional[float] = ...) -> None: ...

class SimClrSpec(_message.Message):
    __slots__ = ("temperature", "projection_units", "num_neighbours", "ignore_collapse")
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_UNITS_FIELD_NUMBER: _ClassVar[int]
    NUM_NEIGHBOURS_FIELD_NUMBER: _ClassVar[int]
    IGNORE_COLLAPSE_FIELD_NUMBER: _ClassVar[int]
    temperature: float
    projection_units: _containers.RepeatedScalarFieldContainer[int]
    num_neighbours: int
    ignore_collapse: bool
    def __init__(self, temperature: _Optional[float] = ..., projection_units: _Optional[_Iterable[int]] = ..., num_neighbours: _Optional[int] = ..., ignore_collapse: bool = ...) -> None: ...

class PreprocessingSpec(_message.Message):
    __slots__ = ("fit", "resize_shorter_side_px", "interpolation", "mean", "std")
    class Fit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FIT_UNSPECIFIED: _ClassVar[PreprocessingSpec.Fit]
        FIT_CROP: _ClassVar[PreprocessingSpec.Fit]
        FIT_STRETCH: _ClassVar[PreprocessingSpec.Fit]
    FIT_UNSPECIFIED: PreprocessingSpec.Fit
    FIT_CROP: PreprocessingSpec.Fit
    FIT_STRETCH: PreprocessingSpec.Fit
    FIT_FIELD_NUMBER: _ClassVar[int]
    RESIZE_SHORTER_SIDE_PX_FIELD_NUMBER: _ClassVar[int]
    INTERPOLATION_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STD_FIELD_NUMBER: _ClassVar[int]
    fit: PreprocessingSpec.Fit
    resize_shorter_side_px: int
    interpolation: str
    mean: _containers.RepeatedScalarFieldContainer[float]
    std: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, fit: _Optional[_Union[PreprocessingSpec.Fit, str]] = ..., resize_shorter_side_px: _Optional[int] = ..., interpolation: _Optional[str] = ..., mean: _Optional[_Iterable[float]] = ..., std: _Optional[_Iterable[float]] = ...) -> None: ...

class AugmentationStep(_message.Message):
    __slots__ = ("random_resized_crop", "horizontal_flip", "vertical_flip", "shift", "rotation", "color_jitter", "grayscale", "gaussian_blur")
    RANDOM_RESIZED_CROP_FIELD_NUMBER: _ClassVar[int]
    HORIZONTAL_FLIP_FIELD_NUMBER: _ClassVar[int]
    VERTICAL_FLIP_FIELD_NUMBER: _ClassVar[int]
    SHIFT_FIELD_NUMBER: _ClassVar[int]
    ROTATION_FIELD_NUMBER: _ClassVar[int]
    COLOR_JITTER_FIELD_NUMBER: _ClassVar[int]
    GRAYSCALE_FIELD_NUMBER: _ClassVar[int]
    GAUSSIAN_BLUR_FIELD_NUMBER: _ClassVar[int]
    random_resized_crop: RandomResizedCrop
    horizontal_flip: HorizontalFlip
    vertical_flip: VerticalFlip
    shift: Shift
    rotation: Rotation
    color_jitter: ColorJitter
    grayscale: Grayscale
    gaussian_blur: GaussianBlur
    def __init__(self, random_resized_crop: _Optional[_Union[RandomResizedCrop, _Mapping]] = ..., horizontal_flip: _Optional[_Union[HorizontalFlip, _Mapping]] = ..., vertical_flip: _Optional[_Union[VerticalFlip, _Mapping]] = ..., shift: _Optional[_Union[Shift, _Mapping]] = ..., rotation: _Optional[_Union[Rotation, _Mapping]] = ..., color_jitter: _Optional[_Union[ColorJitter, _Mapping]] = ..., grayscale: _Optional[_Union[Grayscale, _Mapping]] = ..., gaussian_blur: _Optional[_Union[GaussianBlur, _Mapping]] = ...) -> None: ...

class RandomResizedCrop(_message.Message):
    __slots__ = ("min_scale", "max_scale", "min_ratio", "max_ratio")
    MIN_SCALE_FIELD_NUMBER: _ClassVar[int]
    MAX_SCALE_FIELD_NUMBER: _ClassVar[int]
    MIN_RATIO_FIELD_NUMBER: _ClassVar[int]
    MAX_RATIO_FIELD_NUMBER: _ClassVar[int]
    min_scale: float
    max_scale: float
    min_ratio: float
    max_ratio: float
    def __init__(self, min_scale: _Optional[float] = ..., max_scale: _Optional[float] = ..., min_ratio: _Optional[float] = ..., max_ratio: _Optional[float] = ...) -> None: ...

class HorizontalFlip(_message.Message):
    __slots__ = ("probability",)
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    probability: float
    def __init__(self, probability: _Optional[float] = ...) -> None: ...

class VerticalFlip(_message.Message):
    __slots__ = ("probability",)
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    probability: float
    def __init__(self, probability: _Optional[float] = ...) -> None: ...

class Shift(_message.Message):
    __slots__ = ("max_share",)
    MAX_SHARE_FIELD_NUMBER: _ClassVar[int]
    max_share: float
    def __init__(self, max_share: _Optional[float] = ...) -> None: ...

class Rotation(_message.Message):
    __slots__ = ("max_degrees",)
    MAX_DEGREES_FIELD_NUMBER: _ClassVar[int]
    max_degrees: float
    def __init__(self, max_degrees: _Optional[float] = ...) -> None: ...

class ColorJitter(_message.Message):
    __slots__ = ("brightness", "contrast", "saturation", "hue", "probability")
    BRIGHTNESS_FIELD_NUMBER: _ClassVar[int]
    CONTRAST_FIELD_NUMBER: _ClassVar[int]
    SATURATION_FIELD_NUMBER: _ClassVar[int]
    HUE_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    brightness: float
    contrast: float
    saturation: float
    hue: float
    probability: float
    def __init__(self, brightness: _Optional[float] = ..., contrast: _Optional[float] = ..., saturation: _Optional[float] = ..., hue: _Optional[float] = ..., probability: _Optional[float] = ...) -> None: ...

class Grayscale(_message.Message):
    __slots__ = ("probability",)
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    probability: float
    def __init__(self, probability: _Optional[float] = ...) -> None: ...

class GaussianBlur(_message.Message):
    __slots__ = ("probability", "min_sigma_px", "max_sigma_px")
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    MIN_SIGMA_PX_FIELD_NUMBER: _ClassVar[int]
    MAX_SIGMA_PX_FIELD_NUMBER: _ClassVar[int]
    probability: float
    min_sigma_px: float
    max_sigma_px: float
    def __init__(self, probability: _Optional[float] = ..., min_sigma_px: _Optional[float] = ..., max_sigma_px: _Optional[float] = ...) -> None: ...

class FeatureCacheSpec(_message.Message):
    __slots__ = ("policy", "num_views")
    class Policy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        POLICY_UNSPECIFIED: _ClassVar[FeatureCacheSpec.Policy]
        POLICY_WHERE_EXACT: _ClassVar[FeatureCacheSpec.Policy]
        POLICY_NEVER: _ClassVar[FeatureCacheSpec.Policy]
        POLICY_REQUIRED: _ClassVar[FeatureCacheSpec.Policy]
    POLICY_UNSPECIFIED: FeatureCacheSpec.Policy
    POLICY_WHERE_EXACT: FeatureCacheSpec.Policy
    POLICY_NEVER: FeatureCacheSpec.Policy
    POLICY_REQUIRED: FeatureCacheSpec.Policy
    POLICY_FIELD_NUMBER: _ClassVar[int]
    NUM_VIEWS_FIELD_NUMBER: _ClassVar[int]
    policy: FeatureCacheSpec.Policy
    num_views: int
    def __init__(self, policy: _Optional[_Union[FeatureCacheSpec.Policy, str]] = ..., num_views: _Optional[int] = ...) -> None: ...
