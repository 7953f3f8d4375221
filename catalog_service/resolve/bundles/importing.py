"""Taking a bundle in: each entry is checked and then listed, or refused on its own."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from catalog_service.blobs.store import BlobNotFound, BlobStore, DigestMismatch
from catalog_service.checkpoints.checkpoint import (
    Checkpoint,
    CheckpointExists,
    CheckpointNotFound,
)
from catalog_service.checkpoints.registry import Registry
from catalog_service.errors import VertebraError
from catalog_service.index.entries import WeightEntry
from catalog_service.resolve.bundles.blob_check import misfit, other_backbone
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
from catalog_service.weights.references import check_reference, is_checkpoint, is_repository
from catalog_service.weights.sources.repository import repository_of


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """Nothing is to be done."""

    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What lists an entry that was found good."""

    run: Callable[[], None]
    text: str = ""


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
        shown: makes a list's row of a checkpoint; what it cannot show is not taken.
    """

    supply: Supply
    store: BlobStore
    own: Store
    registry: Registry
    shown: Callable[[Checkpoint], object]

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
            todo = (
                self._weight(numbers)
                if isinstance(numbers, WeightNumbers)
                else self._checkpoint(numbers)
            )
            if isinstance(todo, Here):
                return _imported(numbers, Outcome.PRESENT, todo.text)
            if not dry_run:
                todo.run()
            return _imported(numbers, Outcome.IMPORTED, todo.text)
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
        except BlobNotFound as error:
            raise _Refused(error.message, Outcome.BLOB_MISSING) from error
        if info.size_bytes != numbers.size_bytes:
            raise _Refused(f"the blob has {info.size_bytes} bytes, not {numbers.size_bytes}")

    def _weight(self, numbers: WeightNumbers) -> Take | Here:
        entry = self._entry(numbers)
        if (entry.architecture_id, entry.file_name) != (numbers.architecture_id, numbers.file_name):
            raise _Refused(
                f"here it is {entry.file_name} of {entry.architecture_id}, in the bundle "
                f"{numbers.file_name[:100]} of {numbers.architecture_id[:100]}"
            )
        _check_published(entry, numbers)
        text = self._other_meaning(numbers)
        before = self.own.look(entry)
        if isinstance(before, Source):
            if numbers.source_digest != before.source_digest:
                raise _Refused(
                    f"this catalog has it from another file, {before.source_digest[:19]}..., the "
                    f"bundle from {numbers.source_digest[:19]}..."
                )
            if not numbers.repository or not self._new_names(numbers):
                return Here(text=text)
        elif why := _unlike(self.store.path(numbers.blob_digest), entry, numbers):
            raise _Refused(why)

        def take() -> None:
            if not isinstance(before, Source):
                self.own.remember(entry, _source(numbers))
            for name in self._new_names(numbers):
                self.supply.hub.learn(name, numbers.repository)

        return Take(run=take, text=text)

    def _entry(self, numbers: WeightNumbers) -> WeightEntry:
        """Return this catalog's own entry of a weight; nobody outside is asked."""
        try:
            name = self.supply.canonical_reference(numbers.reference)
            if name != numbers.reference or is_checkpoint(name):
                raise _Refused(f"it is called {name!r} here")
            if not is_repository(name):
                return self.supply.index.weight(name)
            entry = self.supply.hub.recorded(name, numbers.repository)
        except VertebraError as error:
            raise _Refused(error.message) from error
        if entry is None:
            raise _Refused("the bundle does not say what this repository holds")
        return entry

    def _new_names(self, numbers: WeightNumbers) -> list[str]:
        """Return what a repository goes by in the bundle and not yet here."""
        if not numbers.repository:
            return []
        names = dict.fromkeys((numbers.reference, *numbers.asked))
        return [
            name
            for name in names
            if _is_same_repository(name, numbers.reference) and not self.supply.hub.record(name)
        ]

    def _other_meaning(self, numbers: WeightNumbers) -> str:
        """Return which name means something else here, for people; empty where none does."""
        for name in numbers.asked:
            if is_repository(name) and not check_reference(name, field="asked"):
                here = self.supply.hub.record(name).get("bound", numbers.reference)
                if here != numbers.reference:
                    return f"here {name} stays {here}"
        return ""

    def _checkpoint(self, numbers: CheckpointNumbers) -> Take | Here:
        wanted = numbers.entry
        self._check_entry(wanted)
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
            return Here()
        if why := other_backbone(self.store.path(wanted.blob_digest), wanted.backbone_digest):
            raise _Refused(why)

        def take() -> None:
            request_id = str(uuid.uuid4())
            try:
                self.registry.add(wanted, request_id, f"import {wanted.backbone_digest}")
            except CheckpointExists as error:
                raise _Refused(error.message) from error

        return Take(run=take)

    def _check_entry(self, wanted: Checkpoint) -> None:
        """Check what lists of checkpoints and builds from this one will rely on."""
        try:
            self.supply.index.architecture(wanted.architecture_id)
            structure = self.supply.index.weight(wanted.structure_of)
        except VertebraError as error:
            raise _Refused(error.message) from error
        if structure.architecture_id != wanted.architecture_id:
            raise _Refused(f"{wanted.structure_of} is no {wanted.architecture_id}")
        if check_reference(wanted.name, field="name"):
            raise _Refused(f"{wanted.name[:100]!r} is no name of a checkpoint")
        try:
            self.shown(wanted)
        except (ValueError, TypeError, KeyError, VertebraError) as error:
            raise _Refused(f"its entry is malformed: {str(error)[:200]}") from error


def _check_published(entry: WeightEntry, numbers: WeightNumbers) -> None:
    """Compare the published file with what this catalog knows of it."""
    digits = numbers.source_digest.removeprefix("sha256:")
    if entry.sha256_prefix and not digits.startswith(entry.sha256_prefix):
        raise _Refused(
            f"its published file had sha256 {digits[:8]}..., not {entry.sha256_prefix}..."
        )
    if entry.is_quantized and numbers.blob_digest != numbers.source_digest:
        raise _Refused("its blob is not the published file, and it is never converted")


def _unlike(path: Path, entry: WeightEntry, numbers: WeightNumbers) -> str:
    return "" if entry.is_quantized else misfit(path, entry)


def _source(numbers: WeightNumbers) -> Source:
    return Source(
        blob_digest=numbers.blob_digest,
        source_digest=numbers.source_digest,
        proof=numbers.proof,
        rules=numbers.rules,
        ignored=numbers.ignored,
        non_finite=numbers.non_finite,
    )


def _is_same_repository(name: str, reference: str) -> bool:
    if not is_repository(name) or check_reference(name, field="asked"):
        return False
    return repository_of(name).repository == repository_of(reference).repository


def _imported(numbers: Numbers, outcome: Outcome, text: str = "") -> Imported:
    return Imported(
        reference=numbers.reference,
        blob_digest=numbers.blob_digest,
        size_bytes=numbers.size_bytes,
        outcome=outcome,
        text=text,
    )
