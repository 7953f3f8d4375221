"""Taking a bundle in: each entry is checked and then listed, or refused on its own."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from catalog_service.blobs.store import BlobStore, DigestMismatch
from catalog_service.checkpoints.checkpoint import CheckpointExists, CheckpointNotFound
from catalog_service.checkpoints.registry import Registry
from catalog_service.errors import VertebraError
from catalog_service.index.entries import WeightEntry
from catalog_service.resolve.bundles.manifest import (
    CheckpointNumbers,
    ManifestInvalid,
    WeightNumbers,
    manifest_digest,
    read_manifest,
)
from catalog_service.resolve.supply import Supply
from catalog_service.weights.locations.location import Source
from catalog_service.weights.locations.store import Store
from catalog_service.weights.references import is_repository


class ManifestDigest(ManifestInvalid):
    """The manifest is not the announced one."""

    reason = "MANIFEST_DIGEST"


class Outcome(Enum):
    """What became of an entry."""

    IMPORTED = "imported"
    PRESENT = "present"
    BLOB_MISSING = "blob missing"
    BLOB_CORRUPT = "blob corrupt"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of an entry, and why, for people."""

    reference: str
    blob_digest: str
    size_bytes: int
    outcome: Outcome
    text: str = ""


Numbers = WeightNumbers | CheckpointNumbers


class _Refused(Exception):
    """An entry that this catalog cannot take, and why."""

    def __init__(self, text: str, outcome: Outcome = Outcome.REFUSED) -> None:
        super().__init__(text)
        self.text, self.outcome = text, outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Importing:
    """Lists what bundles hold.

    Attributes:
        own: where conversions are remembered.
    """

    supply: Supply
    store: BlobStore
    own: Store
    registry: Registry

    def run(self, data: bytes, expected_digest: str, *, dry_run: bool) -> tuple[Imported, ...]:
        """Return what became of each entry of a manifest.

        Raises:
            ManifestInvalid, ManifestDigest: nothing was listed.
            CacheReadOnly: there is nowhere to put it.
        """
        # 1. Is it the manifest that was announced?
        found = manifest_digest(data)
        if expected_digest not in ("", found):
            raise ManifestDigest(
                f"the manifest has {found}, not {expected_digest}: carry it over again",
                metadata={"expected": expected_digest, "found": found},
            )
        manifest = read_manifest(data)
        # 2. Take each entry, or say why not.
        return tuple(self._take(one, dry_run=dry_run) for one in manifest.entries)

    def _take(self, numbers: Numbers, *, dry_run: bool) -> Imported:
        try:
            self._check_blob(numbers)
            take: Callable[[], bool]
            if isinstance(numbers, WeightNumbers):
                is_here, take = self._weight(numbers)
            else:
                is_here, take = self._checkpoint(numbers)
            if is_here:
                return _imported(numbers, Outcome.PRESENT)
            if not dry_run:
                take()
            return _imported(numbers, Outcome.IMPORTED)
        except _Refused as refusal:
            return _imported(numbers, refusal.outcome, refusal.text)

    def _check_blob(self, numbers: Numbers) -> None:
        info = self.store.find(numbers.blob_digest)
        if info is None:
            raise _Refused(
                f"{numbers.blob_digest} was not written to this catalog", Outcome.BLOB_MISSING
            )
        try:
            self.store.ensure_intact(numbers.blob_digest)
        except DigestMismatch as error:
            raise _Refused(error.message, Outcome.BLOB_CORRUPT) from error
        if info.size_bytes != numbers.size_bytes:
            raise _Refused(f"the blob has {info.size_bytes} bytes, not {numbers.size_bytes}")

    def _weight(self, numbers: WeightNumbers) -> tuple[bool, Callable[[], bool]]:
        entry = self._entry(numbers)
        if (entry.architecture_id, entry.file_name) != (numbers.architecture_id, numbers.file_name):
            raise _Refused(
                f"here it is {entry.file_name} of {entry.architecture_id}, in the bundle "
                f"{numbers.file_name} of {numbers.architecture_id}"
            )
        digits = numbers.source_digest.removeprefix("sha256:")
        if entry.sha256_prefix and not digits.startswith(entry.sha256_prefix):
            raise _Refused(
                f"its published file had sha256 {digits[:8]}..., not {entry.sha256_prefix}..."
            )
        before = self.own.look(entry)
        if isinstance(before, Source) and before.blob_digest != numbers.blob_digest:
            raise _Refused(f"this catalog has {before.blob_digest} under this name")
        source = Source(
            blob_digest=numbers.blob_digest,
            source_digest=numbers.source_digest,
            proof=numbers.proof,
            rules=numbers.rules,
            ignored=numbers.ignored,
            non_finite=numbers.non_finite,
        )

        def take() -> bool:
            self.own.remember(entry, source)
            return True

        return isinstance(before, Source), take

    def _entry(self, numbers: WeightNumbers) -> WeightEntry:
        """Return this catalog's own entry of a weight."""
        try:
            name = self.supply.canonical_reference(numbers.reference)
            if is_repository(name):
                self.supply.hub.learn(name, numbers.repository)
            return self.supply.entry(name, lambda _: None)
        except VertebraError as error:
            raise _Refused(error.message) from error

    def _checkpoint(self, numbers: CheckpointNumbers) -> tuple[bool, Callable[[], bool]]:
        wanted = numbers.entry
        try:
            self.supply.index.architecture(wanted.architecture_id)
            self.supply.index.weight(wanted.structure_of)
        except VertebraError as error:
            raise _Refused(error.message) from error
        try:
            before = self.registry.get(wanted.name)
        except CheckpointNotFound:
            before = None
        if before is not None and before.has_bytes:
            if before.backbone_digest != wanted.backbone_digest:
                raise _Refused(
                    f"this catalog has {before.backbone_digest[:19]}... under this name, not "
                    f"{wanted.backbone_digest[:19]}..."
                )
            return True, lambda: True

        def take() -> bool:
            request_id = str(uuid.uuid4())
            try:
                self.registry.add(wanted, request_id, f"import {wanted.backbone_digest}")
            except CheckpointExists as error:
                raise _Refused(error.message) from error
            return True

        return False, take


def _imported(numbers: Numbers, outcome: Outcome, text: str = "") -> Imported:
    return Imported(
        reference=numbers.reference,
        blob_digest=numbers.blob_digest,
        size_bytes=numbers.size_bytes,
        outcome=outcome,
        text=text,
    )
