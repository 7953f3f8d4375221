from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TrainForm(_message.Message):
    __slots__ = ("sections",)
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    sections: _containers.RepeatedCompositeFieldContainer[FormSection]
    def __init__(self, sections: _Optional[_Iterable[_Union[FormSection, _Mapping]]] = ...) -> None: ...

class FormSection(_message.Message):
    __slots__ = ("id", "label", "help", "fields")
    ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    HELP_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    id: str
    label: str
    help: str
    fields: _containers.RepeatedCompositeFieldContainer[FormField]
    def __init__(self, id: _Optional[str] = ..., label: _Optional[str] = ..., help: _Optional[str] = ..., fields: _Optional[_Iterable[_Union[FormField, _Mapping]]] = ...) -> None: ...

class FormField(_message.Message):
    __slots__ = ("path", "label", "help", "kind", "default_value", "choices", "shown_when", "unit", "minimum", "maximum", "is_required", "is_advanced", "flag", "row")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[FormField.Kind]
        KIND_TOGGLE: _ClassVar[FormField.Kind]
        KIND_CHOICE: _ClassVar[FormField.Kind]
        KIND_INTEGER: _ClassVar[FormField.Kind]
        KIND_NUMBER: _ClassVar[FormField.Kind]
        KIND_TEXT: _ClassVar[FormField.Kind]
        KIND_LIST: _ClassVar[FormField.Kind]
        KIND_ARCHITECTURE: _ClassVar[FormField.Kind]
        KIND_WEIGHTS: _ClassVar[FormField.Kind]
        KIND_PLACE: _ClassVar[FormField.Kind]
        KIND_DURATION: _ClassVar[FormField.Kind]
        KIND_TABLE: _ClassVar[FormField.Kind]
        KIND_MAP: _ClassVar[FormField.Kind]
    KIND_UNSPECIFIED: FormField.Kind
    KIND_TOGGLE: FormField.Kind
    KIND_CHOICE: FormField.Kind
    KIND_INTEGER: FormField.Kind
    KIND_NUMBER: FormField.Kind
    KIND_TEXT: FormField.Kind
    KIND_LIST: FormField.Kind
    KIND_ARCHITECTURE: FormField.Kind
    KIND_WEIGHTS: FormField.Kind
    KIND_PLACE: FormField.Kind
    KIND_DURATION: FormField.Kind
    KIND_TABLE: FormField.Kind
    KIND_MAP: FormField.Kind
    PATH_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    HELP_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VALUE_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    SHOWN_WHEN_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    IS_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    IS_ADVANCED_FIELD_NUMBER: _ClassVar[int]
    FLAG_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    path: str
    label: str
    help: str
    kind: FormField.Kind
    default_value: _struct_pb2.Value
    choices: _containers.RepeatedCompositeFieldContainer[FormChoice]
    shown_when: _containers.RepeatedCompositeFieldContainer[FormCondition]
    unit: str
    minimum: float
    maximum: float
    is_required: bool
    is_advanced: bool
    flag: str
    row: _containers.RepeatedCompositeFieldContainer[FormField]
    def __init__(self, path: _Optional[str] = ..., label: _Optional[str] = ..., help: _Optional[str] = ..., kind: _Optional[_Union[FormField.Kind, str]] = ..., default_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., choices: _Optional[_Iterable[_Union[FormChoice, _Mapping]]] = ..., shown_when: _Optional[_Iterable[_Union[FormCondition, _Mapping]]] = ..., unit: _Optional[str] = ..., minimum: _Optional[float] = ..., maximum: _Optional[float] = ..., is_required: bool = ..., is_advanced: bool = ..., flag: _Optional[str] = ..., row: _Optional[_Iterable[_Union[FormField, _Mapping]]] = ...) -> None: ...

class FormChoice(_message.Message):
    __slots__ = ("value", "label", "help", "advice")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    HELP_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    value: _struct_pb2.Value
    label: str
    help: str
    advice: str
    def __init__(self, value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., label: _Optional[str] = ..., help: _Optional[str] = ..., advice: _Optional[str] = ...) -> None: ...

class FormCondition(_message.Message):
    __slots__ = ("path", "values")
    PATH_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    path: str
    values: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Value]
    def __init__(self, path: _Optional[str] = ..., values: _Optional[_Iterable[_Union[_struct_pb2.Value, _Mapping]]] = ...) -> None: ...
