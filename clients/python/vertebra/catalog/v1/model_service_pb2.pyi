from vertebra.blob.v1 import blob_service_pb2 as _blob_service_pb2
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
    __slots__ = ("step", "message")
    class Step(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STEP_UNSPECIFIED: _ClassVar[BuildProgress.Step]
        STEP_RESOLVING: _ClassVar[BuildProgress.Step]
        STEP_VERIFYING: _ClassVar[BuildProgress.Step]
        STEP_CONVERTING: _ClassVar[BuildProgress.Step]
        STEP_BUILDING: _ClassVar[BuildProgress.Step]
        STEP_STORING: _ClassVar[BuildProgress.Step]
    STEP_UNSPECIFIED: BuildProgress.Step
    STEP_RESOLVING: BuildProgress.Step
    STEP_VERIFYING: BuildProgress.Step
    STEP_CONVERTING: BuildProgress.Step
    STEP_BUILDING: BuildProgress.Step
    STEP_STORING: BuildProgress.Step
    STEP_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    step: BuildProgress.Step
    message: str
    def __init__(self, step: _Optional[_Union[BuildProgress.Step, str]] = ..., message: _Optional[str] = ...) -> None: ...

class BuiltModel(_message.Message):
    __slots__ = ("spec", "spec_digest", "parts", "state_digest", "backbone_digest", "layout", "recipe", "load_report", "input", "output", "lineage", "num_parameters", "num_backbone_parameters")
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
    def __init__(self, spec: _Optional[_Union[_model_spec_pb2.ModelSpec, _Mapping]] = ..., spec_digest: _Optional[str] = ..., parts: _Optional[_Iterable[_Union[StatePart, _Mapping]]] = ..., state_digest: _Optional[str] = ..., backbone_digest: _Optional[str] = ..., layout: _Optional[_Union[_layout_pb2.StateLayout, _Mapping]] = ..., recipe: _Optional[_Union[_layout_pb2.Recipe, _Mapping]] = ..., load_report: _Optional[_Union[_layout_pb2.LoadReport, _Mapping]] = ..., input: _Optional[_Union[_contracts_pb2.InputContract, _Mapping]] = ..., output: _Optional[_Union[_contracts_pb2.OutputContract, _Mapping]] = ..., lineage: _Optional[_Union[_lineage_pb2.Lineage, _Mapping]] = ..., num_parameters: _Optional[int] = ..., num_backbone_parameters: _Optional[int] = ...) -> None: ...

class StatePart(_message.Message):
    __slots__ = ("role", "blob")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    role: _layout_pb2.Role
    blob: _blob_service_pb2.Blob
    def __init__(self, role: _Optional[_Union[_layout_pb2.Role, str]] = ..., blob: _Optional[_Union[_blob_service_pb2.Blob, _Mapping]] = ...) -> None: ...
