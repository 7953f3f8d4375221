from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_BACKBONE: _ClassVar[Role]
    ROLE_NECK: _ClassVar[Role]
    ROLE_HEAD: _ClassVar[Role]
    ROLE_AUX: _ClassVar[Role]
ROLE_UNSPECIFIED: Role
ROLE_BACKBONE: Role
ROLE_NECK: Role
ROLE_HEAD: Role
ROLE_AUX: Role

class TensorInfo(_message.Message):
    __slots__ = ("name", "dtype", "shape", "role", "is_buffer")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    IS_BUFFER_FIELD_NUMBER: _ClassVar[int]
    name: str
    dtype: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    role: Role
    is_buffer: bool
    def __init__(self, name: _Optional[str] = ..., dtype: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., role: _Optional[_Union[Role, str]] = ..., is_buffer: bool = ...) -> None: ...

class Stage(_message.Message):
    __slots__ = ("name", "modules", "num_parameters")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MODULES_FIELD_NUMBER: _ClassVar[int]
    NUM_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    modules: _containers.RepeatedScalarFieldContainer[str]
    num_parameters: int
    def __init__(self, name: _Optional[str] = ..., modules: _Optional[_Iterable[str]] = ..., num_parameters: _Optional[int] = ...) -> None: ...

class StateLayout(_message.Message):
    __slots__ = ("tensors", "stages", "head_modules", "layout_digest", "replaced_modules", "neck_modules", "aux_modules", "backbone_architecture", "backbone_names")
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    HEAD_MODULES_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    REPLACED_MODULES_FIELD_NUMBER: _ClassVar[int]
    NECK_MODULES_FIELD_NUMBER: _ClassVar[int]
    AUX_MODULES_FIELD_NUMBER: _ClassVar[int]
    BACKBONE_ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    BACKBONE_NAMES_FIELD_NUMBER: _ClassVar[int]
    tensors: _containers.RepeatedCompositeFieldContainer[TensorInfo]
    stages: _containers.RepeatedCompositeFieldContainer[Stage]
    head_modules: _containers.RepeatedScalarFieldContainer[str]
    layout_digest: str
    replaced_modules: _containers.RepeatedScalarFieldContainer[str]
    neck_modules: _containers.RepeatedScalarFieldContainer[str]
    aux_modules: _containers.RepeatedScalarFieldContainer[str]
    backbone_architecture: str
    backbone_names: _containers.RepeatedCompositeFieldContainer[PrefixRename]
    def __init__(self, tensors: _Optional[_Iterable[_Union[TensorInfo, _Mapping]]] = ..., stages: _Optional[_Iterable[_Union[Stage, _Mapping]]] = ..., head_modules: _Optional[_Iterable[str]] = ..., layout_digest: _Optional[str] = ..., replaced_modules: _Optional[_Iterable[str]] = ..., neck_modules: _Optional[_Iterable[str]] = ..., aux_modules: _Optional[_Iterable[str]] = ..., backbone_architecture: _Optional[str] = ..., backbone_names: _Optional[_Iterable[_Union[PrefixRename, _Mapping]]] = ...) -> None: ...

class PrefixRename(_message.Message):
    __slots__ = ("blob_prefix", "model_prefix")
    BLOB_PREFIX_FIELD_NUMBER: _ClassVar[int]
    MODEL_PREFIX_FIELD_NUMBER: _ClassVar[int]
    blob_prefix: str
    model_prefix: str
    def __init__(self, blob_prefix: _Optional[str] = ..., model_prefix: _Optional[str] = ...) -> None: ...

class Recipe(_message.Message):
    __slots__ = ("builder", "arguments", "library", "head", "neck", "stem", "removed_modules")
    BUILDER_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    LIBRARY_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    NECK_FIELD_NUMBER: _ClassVar[int]
    STEM_FIELD_NUMBER: _ClassVar[int]
    REMOVED_MODULES_FIELD_NUMBER: _ClassVar[int]
    builder: str
    arguments: _struct_pb2.Struct
    library: str
    head: _struct_pb2.Struct
    neck: _struct_pb2.Struct
    stem: _struct_pb2.Struct
    removed_modules: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, builder: _Optional[str] = ..., arguments: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., library: _Optional[str] = ..., head: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., neck: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., stem: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., removed_modules: _Optional[_Iterable[str]] = ...) -> None: ...

class LoadReport(_message.Message):
    __slots__ = ("num_loaded", "num_expected", "num_elements_loaded", "num_elements_expected", "backbone_coverage", "missing", "unexpected", "misshapen", "dropped", "initialised", "rules")
    NUM_LOADED_FIELD_NUMBER: _ClassVar[int]
    NUM_EXPECTED_FIELD_NUMBER: _ClassVar[int]
    NUM_ELEMENTS_LOADED_FIELD_NUMBER: _ClassVar[int]
    NUM_ELEMENTS_EXPECTED_FIELD_NUMBER: _ClassVar[int]
    BACKBONE_COVERAGE_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    UNEXPECTED_FIELD_NUMBER: _ClassVar[int]
    MISSHAPEN_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    INITIALISED_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    num_loaded: int
    num_expected: int
    num_elements_loaded: int
    num_elements_expected: int
    backbone_coverage: float
    missing: _containers.RepeatedScalarFieldContainer[str]
    unexpected: _containers.RepeatedScalarFieldContainer[str]
    misshapen: _containers.RepeatedCompositeFieldContainer[ShapeMismatch]
    dropped: _containers.RepeatedScalarFieldContainer[str]
    initialised: _containers.RepeatedScalarFieldContainer[str]
    rules: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, num_loaded: _Optional[int] = ..., num_expected: _Optional[int] = ..., num_elements_loaded: _Optional[int] = ..., num_elements_expected: _Optional[int] = ..., backbone_coverage: _Optional[float] = ..., missing: _Optional[_Iterable[str]] = ..., unexpected: _Optional[_Iterable[str]] = ..., misshapen: _Optional[_Iterable[_Union[ShapeMismatch, _Mapping]]] = ..., dropped: _Optional[_Iterable[str]] = ..., initialised: _Optional[_Iterable[str]] = ..., rules: _Optional[_Iterable[str]] = ...) -> None: ...

class ShapeMismatch(_message.Message):
    __slots__ = ("name", "source_shape", "layout_shape")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SHAPE_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_SHAPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    source_shape: _containers.RepeatedScalarFieldContainer[int]
    layout_shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., source_shape: _Optional[_Iterable[int]] = ..., layout_shape: _Optional[_Iterable[int]] = ...) -> None: ...
