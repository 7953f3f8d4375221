from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class CsvFile(_message.Message):
    __slots__ = ("path", "validation_path", "images_path", "image_column", "target_columns", "split_column", "label_separator")
    PATH_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_PATH_FIELD_NUMBER: _ClassVar[int]
    IMAGES_PATH_FIELD_NUMBER: _ClassVar[int]
    IMAGE_COLUMN_FIELD_NUMBER: _ClassVar[int]
    TARGET_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    SPLIT_COLUMN_FIELD_NUMBER: _ClassVar[int]
    LABEL_SEPARATOR_FIELD_NUMBER: _ClassVar[int]
    path: str
    validation_path: str
    images_path: str
    image_column: str
    target_columns: _containers.RepeatedScalarFieldContainer[str]
    split_column: str
    label_separator: str
    def __init__(self, path: _Optional[str] = ..., validation_path: _Optional[str] = ..., images_path: _Optional[str] = ..., image_column: _Optional[str] = ..., target_columns: _Optional[_Iterable[str]] = ..., split_column: _Optional[str] = ..., label_separator: _Optional[str] = ...) -> None: ...

class ImageMaskPairs(_message.Message):
    __slots__ = ("images_path", "masks_path", "validation_images_path", "validation_masks_path", "classes_of_values")
    class ClassesOfValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: int
        def __init__(self, key: _Optional[int] = ..., value: _Optional[int] = ...) -> None: ...
    IMAGES_PATH_FIELD_NUMBER: _ClassVar[int]
    MASKS_PATH_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_IMAGES_PATH_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_MASKS_PATH_FIELD_NUMBER: _ClassVar[int]
    CLASSES_OF_VALUES_FIELD_NUMBER: _ClassVar[int]
    images_path: str
    masks_path: str
    validation_images_path: str
    validation_masks_path: str
    classes_of_values: _containers.ScalarMap[int, int]
    def __init__(self, images_path: _Optional[str] = ..., masks_path: _Optional[str] = ..., validation_images_path: _Optional[str] = ..., validation_masks_path: _Optional[str] = ..., classes_of_values: _Optional[_Mapping[int, int]] = ...) -> None: ...

class CocoDataset(_message.Message):
    __slots__ = ("annotations_path", "images_path", "validation_annotations_path", "validation_images_path")
    ANNOTATIONS_PATH_FIELD_NUMBER: _ClassVar[int]
    IMAGES_PATH_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_ANNOTATIONS_PATH_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_IMAGES_PATH_FIELD_NUMBER: _ClassVar[int]
    annotations_path: str
    images_path: str
    validation_annotations_path: str
    validation_images_path: str
    def __init__(self, annotations_path: _Optional[str] = ..., images_path: _Optional[str] = ..., validation_annotations_path: _Optional[str] = ..., validation_images_path: _Optional[str] = ...) -> None: ...

class TorchvisionDataset(_message.Message):
    __slots__ = ("name", "path", "target_type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    TARGET_TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    path: str
    target_type: str
    def __init__(self, name: _Optional[str] = ..., path: _Optional[str] = ..., target_type: _Optional[str] = ...) -> None: ...

class UnlabelledImages(_message.Message):
    __slots__ = ("path", "validation_path")
    PATH_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    validation_path: str
    def __init__(self, path: _Optional[str] = ..., validation_path: _Optional[str] = ...) -> None: ...

class DrawnScenes(_message.Message):
    __slots__ = ("num_images", "side_px", "max_objects", "seed")
    NUM_IMAGES_FIELD_NUMBER: _ClassVar[int]
    SIDE_PX_FIELD_NUMBER: _ClassVar[int]
    MAX_OBJECTS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    num_images: int
    side_px: int
    max_objects: int
    seed: int
    def __init__(self, num_images: _Optional[int] = ..., side_px: _Optional[int] = ..., max_objects: _Optional[int] = ..., seed: _Optional[int] = ...) -> None: ...

class ClutteredDigits(_message.Message):
    __slots__ = ("num_images", "side_px", "max_digits", "seed")
    NUM_IMAGES_FIELD_NUMBER: _ClassVar[int]
    SIDE_PX_FIELD_NUMBER: _ClassVar[int]
    MAX_DIGITS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    num_images: int
    side_px: int
    max_digits: int
    seed: int
    def __init__(self, num_images: _Optional[int] = ..., side_px: _Optional[int] = ..., max_digits: _Optional[int] = ..., seed: _Optional[int] = ...) -> None: ...
