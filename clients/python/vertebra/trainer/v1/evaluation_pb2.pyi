from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Evaluation(_message.Message):
    __slots__ = ("metrics", "classes", "confusion", "num_images")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    METRICS_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    CONFUSION_FIELD_NUMBER: _ClassVar[int]
    NUM_IMAGES_FIELD_NUMBER: _ClassVar[int]
    metrics: _containers.ScalarMap[str, float]
    classes: _containers.RepeatedCompositeFieldContainer[ClassEvaluation]
    confusion: _containers.RepeatedScalarFieldContainer[int]
    num_images: int
    def __init__(self, metrics: _Optional[_Mapping[str, float]] = ..., classes: _Optional[_Iterable[_Union[ClassEvaluation, _Mapping]]] = ..., confusion: _Optional[_Iterable[int]] = ..., num_images: _Optional[int] = ...) -> None: ...

class ClassEvaluation(_message.Message):
    __slots__ = ("name", "metrics", "num_true")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    NUM_TRUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    metrics: _containers.ScalarMap[str, float]
    num_true: int
    def __init__(self, name: _Optional[str] = ..., metrics: _Optional[_Mapping[str, float]] = ..., num_true: _Optional[int] = ...) -> None: ...

class DataReport(_message.Message):
    __slots__ = ("num_train_images", "num_validation_images", "classes", "unusable", "num_unusable", "leaks", "num_leaks", "mean", "std", "fingerprint", "warnings")
    NUM_TRAIN_IMAGES_FIELD_NUMBER: _ClassVar[int]
    NUM_VALIDATION_IMAGES_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    UNUSABLE_FIELD_NUMBER: _ClassVar[int]
    NUM_UNUSABLE_FIELD_NUMBER: _ClassVar[int]
    LEAKS_FIELD_NUMBER: _ClassVar[int]
    NUM_LEAKS_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STD_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    num_train_images: int
    num_validation_images: int
    classes: _containers.RepeatedCompositeFieldContainer[ClassCount]
    unusable: _containers.RepeatedCompositeFieldContainer[UnusableImage]
    num_unusable: int
    leaks: _containers.RepeatedCompositeFieldContainer[Leak]
    num_leaks: int
    mean: _containers.RepeatedScalarFieldContainer[float]
    std: _containers.RepeatedScalarFieldContainer[float]
    fingerprint: str
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, num_train_images: _Optional[int] = ..., num_validation_images: _Optional[int] = ..., classes: _Optional[_Iterable[_Union[ClassCount, _Mapping]]] = ..., unusable: _Optional[_Iterable[_Union[UnusableImage, _Mapping]]] = ..., num_unusable: _Optional[int] = ..., leaks: _Optional[_Iterable[_Union[Leak, _Mapping]]] = ..., num_leaks: _Optional[int] = ..., mean: _Optional[_Iterable[float]] = ..., std: _Optional[_Iterable[float]] = ..., fingerprint: _Optional[str] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class ClassCount(_message.Message):
    __slots__ = ("name", "num_train_images", "num_validation_images")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NUM_TRAIN_IMAGES_FIELD_NUMBER: _ClassVar[int]
    NUM_VALIDATION_IMAGES_FIELD_NUMBER: _ClassVar[int]
    name: str
    num_train_images: int
    num_validation_images: int
    def __init__(self, name: _Optional[str] = ..., num_train_images: _Optional[int] = ..., num_validation_images: _Optional[int] = ...) -> None: ...

class UnusableImage(_message.Message):
    __slots__ = ("path", "reason")
    PATH_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    path: str
    reason: str
    def __init__(self, path: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Leak(_message.Message):
    __slots__ = ("train_path", "validation_path", "is_identical")
    TRAIN_PATH_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_PATH_FIELD_NUMBER: _ClassVar[int]
    IS_IDENTICAL_FIELD_NUMBER: _ClassVar[int]
    train_path: str
    validation_path: str
    is_identical: bool
    def __init__(self, train_path: _Optional[str] = ..., validation_path: _Optional[str] = ..., is_identical: bool = ...) -> None: ...
