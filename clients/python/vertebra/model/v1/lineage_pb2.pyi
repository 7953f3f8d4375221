from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DigestProof(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIGEST_PROOF_UNSPECIFIED: _ClassVar[DigestProof]
    DIGEST_PROOF_FULL: _ClassVar[DigestProof]
    DIGEST_PROOF_PREFIX: _ClassVar[DigestProof]
    DIGEST_PROOF_FIRST_USE: _ClassVar[DigestProof]
DIGEST_PROOF_UNSPECIFIED: DigestProof
DIGEST_PROOF_FULL: DigestProof
DIGEST_PROOF_PREFIX: DigestProof
DIGEST_PROOF_FIRST_USE: DigestProof

class Lineage(_message.Message):
    __slots__ = ("parent", "parent_backbone_digest", "source_digest", "source_proof", "licence", "method", "dataset", "num_images", "num_epochs", "train_job", "note", "loss", "augmentations", "optimizer", "learning_rate", "lr_rule", "batch_size", "results")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PARENT_BACKBONE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SOURCE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SOURCE_PROOF_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    NUM_IMAGES_FIELD_NUMBER: _ClassVar[int]
    NUM_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    TRAIN_JOB_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    AUGMENTATIONS_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    LR_RULE_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    parent: str
    parent_backbone_digest: str
    source_digest: str
    source_proof: DigestProof
    licence: str
    method: str
    dataset: str
    num_images: int
    num_epochs: int
    train_job: str
    note: str
    loss: str
    augmentations: _containers.RepeatedScalarFieldContainer[str]
    optimizer: str
    learning_rate: float
    lr_rule: str
    batch_size: int
    results: _containers.RepeatedCompositeFieldContainer[ResultRow]
    def __init__(self, parent: _Optional[str] = ..., parent_backbone_digest: _Optional[str] = ..., source_digest: _Optional[str] = ..., source_proof: _Optional[_Union[DigestProof, str]] = ..., licence: _Optional[str] = ..., method: _Optional[str] = ..., dataset: _Optional[str] = ..., num_images: _Optional[int] = ..., num_epochs: _Optional[int] = ..., train_job: _Optional[str] = ..., note: _Optional[str] = ..., loss: _Optional[str] = ..., augmentations: _Optional[_Iterable[str]] = ..., optimizer: _Optional[str] = ..., learning_rate: _Optional[float] = ..., lr_rule: _Optional[str] = ..., batch_size: _Optional[int] = ..., results: _Optional[_Iterable[_Union[ResultRow, _Mapping]]] = ...) -> None: ...

class ResultRow(_message.Message):
    __slots__ = ("setting", "metrics")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    SETTING_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    setting: str
    metrics: _containers.ScalarMap[str, float]
    def __init__(self, setting: _Optional[str] = ..., metrics: _Optional[_Mapping[str, float]] = ...) -> None: ...
