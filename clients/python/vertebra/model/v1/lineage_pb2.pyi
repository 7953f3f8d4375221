from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
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
    __slots__ = ("parent", "parent_backbone_digest", "source_digest", "source_proof", "licence", "method", "dataset", "num_images", "num_epochs", "train_job", "note")
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
    def __init__(self, parent: _Optional[str] = ..., parent_backbone_digest: _Optional[str] = ..., source_digest: _Optional[str] = ..., source_proof: _Optional[_Union[DigestProof, str]] = ..., licence: _Optional[str] = ..., method: _Optional[str] = ..., dataset: _Optional[str] = ..., num_images: _Optional[int] = ..., num_epochs: _Optional[int] = ..., train_job: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...
