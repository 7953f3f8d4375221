import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from vertebra.blob.v1 import blob_service_pb2 as _blob_service_pb2
from vertebra.catalog.v1 import weights_service_pb2 as _weights_service_pb2
from vertebra.model.v1 import lineage_pb2 as _lineage_pb2
from vertebra.model.v1 import stream_pb2 as _stream_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EntryKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTRY_KIND_UNSPECIFIED: _ClassVar[EntryKind]
    ENTRY_KIND_WEIGHTS: _ClassVar[EntryKind]
    ENTRY_KIND_CHECKPOINT: _ClassVar[EntryKind]
    ENTRY_KIND_MODEL: _ClassVar[EntryKind]
    ENTRY_KIND_UPLOAD: _ClassVar[EntryKind]
ENTRY_KIND_UNSPECIFIED: EntryKind
ENTRY_KIND_WEIGHTS: EntryKind
ENTRY_KIND_CHECKPOINT: EntryKind
ENTRY_KIND_MODEL: EntryKind
ENTRY_KIND_UPLOAD: EntryKind

class CacheEntry(_message.Message):
    __slots__ = ("blob", "kind", "used_by", "create_time", "last_used_time", "last_verified_time", "pins", "is_leased", "kept_because")
    BLOB_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    USED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_USED_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_VERIFIED_TIME_FIELD_NUMBER: _ClassVar[int]
    PINS_FIELD_NUMBER: _ClassVar[int]
    IS_LEASED_FIELD_NUMBER: _ClassVar[int]
    KEPT_BECAUSE_FIELD_NUMBER: _ClassVar[int]
    blob: _blob_service_pb2.Blob
    kind: EntryKind
    used_by: _containers.RepeatedScalarFieldContainer[str]
    create_time: _timestamp_pb2.Timestamp
    last_used_time: _timestamp_pb2.Timestamp
    last_verified_time: _timestamp_pb2.Timestamp
    pins: _containers.RepeatedScalarFieldContainer[str]
    is_leased: bool
    kept_because: str
    def __init__(self, blob: _Optional[_Union[_blob_service_pb2.Blob, _Mapping]] = ..., kind: _Optional[_Union[EntryKind, str]] = ..., used_by: _Optional[_Iterable[str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_used_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_verified_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., pins: _Optional[_Iterable[str]] = ..., is_leased: bool = ..., kept_because: _Optional[str] = ...) -> None: ...

class ListEntriesRequest(_message.Message):
    __slots__ = ("filter", "order_by", "page_size", "page_token")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    filter: str
    order_by: str
    page_size: int
    page_token: str
    def __init__(self, filter: _Optional[str] = ..., order_by: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListEntriesResponse(_message.Message):
    __slots__ = ("entries", "next_page_token", "total_size", "total_bytes", "budget_bytes", "free_bytes", "is_read_only", "num_quarantined", "quarantined_bytes")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    BUDGET_BYTES_FIELD_NUMBER: _ClassVar[int]
    FREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    IS_READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    NUM_QUARANTINED_FIELD_NUMBER: _ClassVar[int]
    QUARANTINED_BYTES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[CacheEntry]
    next_page_token: str
    total_size: int
    total_bytes: int
    budget_bytes: int
    free_bytes: int
    is_read_only: bool
    num_quarantined: int
    quarantined_bytes: int
    def __init__(self, entries: _Optional[_Iterable[_Union[CacheEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ..., total_bytes: _Optional[int] = ..., budget_bytes: _Optional[int] = ..., free_bytes: _Optional[int] = ..., is_read_only: bool = ..., num_quarantined: _Optional[int] = ..., quarantined_bytes: _Optional[int] = ...) -> None: ...

class VerifyCacheRequest(_message.Message):
    __slots__ = ("names",)
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ...) -> None: ...

class VerifyCacheResponse(_message.Message):
    __slots__ = ("progress", "corrupt", "summary", "heartbeat", "end")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CORRUPT_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    progress: VerifyProgress
    corrupt: CorruptEntry
    summary: VerifySummary
    heartbeat: _stream_pb2.Heartbeat
    end: _stream_pb2.StreamEnd
    def __init__(self, progress: _Optional[_Union[VerifyProgress, _Mapping]] = ..., corrupt: _Optional[_Union[CorruptEntry, _Mapping]] = ..., summary: _Optional[_Union[VerifySummary, _Mapping]] = ..., heartbeat: _Optional[_Union[_stream_pb2.Heartbeat, _Mapping]] = ..., end: _Optional[_Union[_stream_pb2.StreamEnd, _Mapping]] = ...) -> None: ...

class VerifyProgress(_message.Message):
    __slots__ = ("num_done", "num_total", "bytes_done", "bytes_total")
    NUM_DONE_FIELD_NUMBER: _ClassVar[int]
    NUM_TOTAL_FIELD_NUMBER: _ClassVar[int]
    BYTES_DONE_FIELD_NUMBER: _ClassVar[int]
    BYTES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    num_done: int
    num_total: int
    bytes_done: int
    bytes_total: int
    def __init__(self, num_done: _Optional[int] = ..., num_total: _Optional[int] = ..., bytes_done: _Optional[int] = ..., bytes_total: _Optional[int] = ...) -> None: ...

class CorruptEntry(_message.Message):
    __slots__ = ("entry", "found_digest", "quarantined", "text")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    FOUND_DIGEST_FIELD_NUMBER: _ClassVar[int]
    QUARANTINED_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    entry: CacheEntry
    found_digest: str
    quarantined: bool
    text: str
    def __init__(self, entry: _Optional[_Union[CacheEntry, _Mapping]] = ..., found_digest: _Optional[str] = ..., quarantined: bool = ..., text: _Optional[str] = ...) -> None: ...

class VerifySummary(_message.Message):
    __slots__ = ("num_verified", "bytes_verified", "num_corrupt")
    NUM_VERIFIED_FIELD_NUMBER: _ClassVar[int]
    BYTES_VERIFIED_FIELD_NUMBER: _ClassVar[int]
    NUM_CORRUPT_FIELD_NUMBER: _ClassVar[int]
    num_verified: int
    bytes_verified: int
    num_corrupt: int
    def __init__(self, num_verified: _Optional[int] = ..., bytes_verified: _Optional[int] = ..., num_corrupt: _Optional[int] = ...) -> None: ...

class PruneCacheRequest(_message.Message):
    __slots__ = ("target_bytes", "dry_run", "quarantine", "kinds")
    TARGET_BYTES_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    QUARANTINE_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    target_bytes: int
    dry_run: bool
    quarantine: bool
    kinds: _containers.RepeatedScalarFieldContainer[EntryKind]
    def __init__(self, target_bytes: _Optional[int] = ..., dry_run: bool = ..., quarantine: bool = ..., kinds: _Optional[_Iterable[_Union[EntryKind, str]]] = ...) -> None: ...

class PruneCacheResponse(_message.Message):
    __slots__ = ("removed", "removed_bytes", "total_bytes", "num_kept", "kept_bytes", "quarantine_bytes", "num_removed")
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    NUM_KEPT_FIELD_NUMBER: _ClassVar[int]
    KEPT_BYTES_FIELD_NUMBER: _ClassVar[int]
    QUARANTINE_BYTES_FIELD_NUMBER: _ClassVar[int]
    NUM_REMOVED_FIELD_NUMBER: _ClassVar[int]
    removed: _containers.RepeatedCompositeFieldContainer[CacheEntry]
    removed_bytes: int
    total_bytes: int
    num_kept: int
    kept_bytes: int
    quarantine_bytes: int
    num_removed: int
    def __init__(self, removed: _Optional[_Iterable[_Union[CacheEntry, _Mapping]]] = ..., removed_bytes: _Optional[int] = ..., total_bytes: _Optional[int] = ..., num_kept: _Optional[int] = ..., kept_bytes: _Optional[int] = ..., quarantine_bytes: _Optional[int] = ..., num_removed: _Optional[int] = ...) -> None: ...

class PinBlobsRequest(_message.Message):
    __slots__ = ("names", "owner", "unpin")
    NAMES_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    UNPIN_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    owner: str
    unpin: bool
    def __init__(self, names: _Optional[_Iterable[str]] = ..., owner: _Optional[str] = ..., unpin: bool = ...) -> None: ...

class PinBlobsResponse(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[CacheEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[CacheEntry, _Mapping]]] = ...) -> None: ...

class BundleSelection(_message.Message):
    __slots__ = ("names", "architectures", "filter", "exclude_licences")
    NAMES_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURES_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_LICENCES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    architectures: _containers.RepeatedScalarFieldContainer[str]
    filter: str
    exclude_licences: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ..., architectures: _Optional[_Iterable[str]] = ..., filter: _Optional[str] = ..., exclude_licences: _Optional[_Iterable[str]] = ...) -> None: ...

class BundleEntry(_message.Message):
    __slots__ = ("reference", "architecture_id", "blob", "source_digest", "source_proof", "url", "licence", "availability", "trail", "is_gated")
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_ID_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    SOURCE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SOURCE_PROOF_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_FIELD_NUMBER: _ClassVar[int]
    TRAIL_FIELD_NUMBER: _ClassVar[int]
    IS_GATED_FIELD_NUMBER: _ClassVar[int]
    reference: str
    architecture_id: str
    blob: _blob_service_pb2.Blob
    source_digest: str
    source_proof: _lineage_pb2.DigestProof
    url: str
    licence: str
    availability: _weights_service_pb2.Availability
    trail: _containers.RepeatedCompositeFieldContainer[_weights_service_pb2.TrailStep]
    is_gated: bool
    def __init__(self, reference: _Optional[str] = ..., architecture_id: _Optional[str] = ..., blob: _Optional[_Union[_blob_service_pb2.Blob, _Mapping]] = ..., source_digest: _Optional[str] = ..., source_proof: _Optional[_Union[_lineage_pb2.DigestProof, str]] = ..., url: _Optional[str] = ..., licence: _Optional[str] = ..., availability: _Optional[_Union[_weights_service_pb2.Availability, str]] = ..., trail: _Optional[_Iterable[_Union[_weights_service_pb2.TrailStep, _Mapping]]] = ..., is_gated: bool = ...) -> None: ...

class PlanBundleRequest(_message.Message):
    __slots__ = ("selection", "base_manifest")
    SELECTION_FIELD_NUMBER: _ClassVar[int]
    BASE_MANIFEST_FIELD_NUMBER: _ClassVar[int]
    selection: BundleSelection
    base_manifest: bytes
    def __init__(self, selection: _Optional[_Union[BundleSelection, _Mapping]] = ..., base_manifest: _Optional[bytes] = ...) -> None: ...

class PlanBundleResponse(_message.Message):
    __slots__ = ("entries", "total_bytes", "missing_bytes", "licences", "num_in_base")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    MISSING_BYTES_FIELD_NUMBER: _ClassVar[int]
    LICENCES_FIELD_NUMBER: _ClassVar[int]
    NUM_IN_BASE_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[BundleEntry]
    total_bytes: int
    missing_bytes: int
    licences: _containers.RepeatedCompositeFieldContainer[BundleLicence]
    num_in_base: int
    def __init__(self, entries: _Optional[_Iterable[_Union[BundleEntry, _Mapping]]] = ..., total_bytes: _Optional[int] = ..., missing_bytes: _Optional[int] = ..., licences: _Optional[_Iterable[_Union[BundleLicence, _Mapping]]] = ..., num_in_base: _Optional[int] = ...) -> None: ...

class BundleLicence(_message.Message):
    __slots__ = ("licence", "url", "num_entries", "must_be_included", "text")
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    NUM_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    MUST_BE_INCLUDED_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    licence: str
    url: str
    num_entries: int
    must_be_included: bool
    text: str
    def __init__(self, licence: _Optional[str] = ..., url: _Optional[str] = ..., num_entries: _Optional[int] = ..., must_be_included: bool = ..., text: _Optional[str] = ...) -> None: ...

class ExportBundleRequest(_message.Message):
    __slots__ = ("selection", "base_manifest", "licence_texts", "skip_unavailable")
    class LicenceTextsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SELECTION_FIELD_NUMBER: _ClassVar[int]
    BASE_MANIFEST_FIELD_NUMBER: _ClassVar[int]
    LICENCE_TEXTS_FIELD_NUMBER: _ClassVar[int]
    SKIP_UNAVAILABLE_FIELD_NUMBER: _ClassVar[int]
    selection: BundleSelection
    base_manifest: bytes
    licence_texts: _containers.ScalarMap[str, str]
    skip_unavailable: bool
    def __init__(self, selection: _Optional[_Union[BundleSelection, _Mapping]] = ..., base_manifest: _Optional[bytes] = ..., licence_texts: _Optional[_Mapping[str, str]] = ..., skip_unavailable: bool = ...) -> None: ...

class ExportBundleResponse(_message.Message):
    __slots__ = ("progress", "entry", "skipped", "manifest", "heartbeat", "end")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    progress: _weights_service_pb2.EnsureProgress
    entry: BundleEntry
    skipped: BundleEntry
    manifest: BundleManifest
    heartbeat: _stream_pb2.Heartbeat
    end: _stream_pb2.StreamEnd
    def __init__(self, progress: _Optional[_Union[_weights_service_pb2.EnsureProgress, _Mapping]] = ..., entry: _Optional[_Union[BundleEntry, _Mapping]] = ..., skipped: _Optional[_Union[BundleEntry, _Mapping]] = ..., manifest: _Optional[_Union[BundleManifest, _Mapping]] = ..., heartbeat: _Optional[_Union[_stream_pb2.Heartbeat, _Mapping]] = ..., end: _Optional[_Union[_stream_pb2.StreamEnd, _Mapping]] = ...) -> None: ...

class BundleManifest(_message.Message):
    __slots__ = ("json", "digest", "licences")
    JSON_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    LICENCES_FIELD_NUMBER: _ClassVar[int]
    json: bytes
    digest: str
    licences: _containers.RepeatedCompositeFieldContainer[BundleLicence]
    def __init__(self, json: _Optional[bytes] = ..., digest: _Optional[str] = ..., licences: _Optional[_Iterable[_Union[BundleLicence, _Mapping]]] = ...) -> None: ...

class ImportBundleRequest(_message.Message):
    __slots__ = ("manifest_json", "expected_digest", "dry_run")
    MANIFEST_JSON_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_DIGEST_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    manifest_json: bytes
    expected_digest: str
    dry_run: bool
    def __init__(self, manifest_json: _Optional[bytes] = ..., expected_digest: _Optional[str] = ..., dry_run: bool = ...) -> None: ...

class ImportBundleResponse(_message.Message):
    __slots__ = ("entries", "num_imported", "num_present", "num_failed")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NUM_IMPORTED_FIELD_NUMBER: _ClassVar[int]
    NUM_PRESENT_FIELD_NUMBER: _ClassVar[int]
    NUM_FAILED_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[ImportedEntry]
    num_imported: int
    num_present: int
    num_failed: int
    def __init__(self, entries: _Optional[_Iterable[_Union[ImportedEntry, _Mapping]]] = ..., num_imported: _Optional[int] = ..., num_present: _Optional[int] = ..., num_failed: _Optional[int] = ...) -> None: ...

class ImportedEntry(_message.Message):
    __slots__ = ("reference", "blob", "outcome", "text")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[ImportedEntry.Outcome]
        OUTCOME_IMPORTED: _ClassVar[ImportedEntry.Outcome]
        OUTCOME_PRESENT: _ClassVar[ImportedEntry.Outcome]
        OUTCOME_BLOB_MISSING: _ClassVar[ImportedEntry.Outcome]
        OUTCOME_BLOB_CORRUPT: _ClassVar[ImportedEntry.Outcome]
        OUTCOME_REFUSED: _ClassVar[ImportedEntry.Outcome]
    OUTCOME_UNSPECIFIED: ImportedEntry.Outcome
    OUTCOME_IMPORTED: ImportedEntry.Outcome
    OUTCOME_PRESENT: ImportedEntry.Outcome
    OUTCOME_BLOB_MISSING: ImportedEntry.Outcome
    OUTCOME_BLOB_CORRUPT: ImportedEntry.Outcome
    OUTCOME_REFUSED: ImportedEntry.Outcome
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    reference: str
    blob: _blob_service_pb2.Blob
    outcome: ImportedEntry.Outcome
    text: str
    def __init__(self, reference: _Optional[str] = ..., blob: _Optional[_Union[_blob_service_pb2.Blob, _Mapping]] = ..., outcome: _Optional[_Union[ImportedEntry.Outcome, str]] = ..., text: _Optional[str] = ...) -> None: ...
