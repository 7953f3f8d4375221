"""Registering, completing and deleting checkpoints, in numbered steps."""

import hashlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from catalog_service.blobs.store import BlobInfo, DigestMismatch
from catalog_service.checkpoints.checkpoint import Checkpoint, CheckpointNotFound
from catalog_service.checkpoints.registry import Registry
from catalog_service.errors import InvalidRequest, NotFound, Violation, invalid
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.layout import LoadReport
from catalog_service.models.lineage import Lineage
from catalog_service.models.published_dinov3 import CONFIGURATIONS
from catalog_service.models.published_dinov3 import LICENCE as DINOV3_LICENCE
from catalog_service.resolve.build_plan import require_buildable
from catalog_service.resolve.checkpoint_files import CheckpointFiles, NamedFile
from catalog_service.resolve.fitting import Fitting
from catalog_service.resolve.identifying import decided
from catalog_service.resolve.inherited_licence import check_licence, inherited_licence
from catalog_service.resolve.registration import Registration
from catalog_service.weights.references import is_checkpoint

Decide = Callable[[Path, str], str]
"""Takes a file and a prefix; returns the architecture that the file is beyond doubt, or raises."""

NOT_TRAINED_FROM = "random"
"""What a lineage calls the parent of a backbone that started from nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrar:
    """Puts checkpoints on the list and takes them off.

    Attributes:
        decide: which architecture a file is.
    """

    index: CatalogIndex
    registry: Registry
    files: CheckpointFiles
    fitting: Fitting
    decide: Decide = decided

    def register(
        self, registration: Registration, *, completes: Checkpoint | None = None
    ) -> tuple[Checkpoint, bool]:
        """Return the checkpoint as it is listed now, and whether the request was answered before.

        Args:
            completes: the entry that the file was fetched for.

        Raises:
            VertebraError: as RegisterCheckpoint's comment lists.
        """
        # 1. Is this a repetition?
        request = (registration.request_id, registration.digest)
        answered = self.registry.answered(*request)
        if answered is not None:
            return answered, True
        # 2. What is it, and under what terms?
        known = self._with_licence(self._with_architecture(registration))
        # 3. Does the file fit? Convert it and store the backbone.
        checkpoint = self._checkpoint(known)
        # 4. List it, now that everything about it is on disk.
        return self.registry.add(checkpoint, *request, completes=completes), False

    def complete(self, checkpoint: Checkpoint, file: BlobInfo) -> Checkpoint:
        """Return an entry that had no bytes, with those of `file`.

        Args:
            file: in the store; the one that the entry names by its digest.

        Raises:
            VertebraError: as RegisterCheckpoint's comment lists.
        """
        registration = Registration(
            request_id=str(uuid.uuid4()),
            checkpoint_id=checkpoint.checkpoint_id,
            architecture_id=checkpoint.architecture_id,
            blob_name=f"blobs/{file.digest}",
            lineage=checkpoint.lineage,
            metrics=checkpoint.metrics,
            mean=checkpoint.mean,
            std=checkpoint.std,
            structure=checkpoint.structure,
            remedies=checkpoint.remedies,
            source_digest=checkpoint.lineage.source_digest,
        )
        return self.register(registration, completes=checkpoint)[0]

    def delete(self, name: str, request_id: str, *, force: bool) -> Checkpoint:
        """Return a checkpoint as it was before it was taken off the list.

        Raises:
            VertebraError: as DeleteCheckpoint's comment lists.
        """
        text = f"delete {name.removeprefix('checkpoints/')} {force}"
        digest = hashlib.sha256(text.encode()).hexdigest()
        return self.registry.delete(name, request_id, digest, force=force)

    def _with_architecture(self, registration: Registration) -> Registration:
        if registration.architecture_id or registration.file is None:
            return registration
        found = self.decide(self.files.find(registration.file), registration.prefix)
        return replace(registration, architecture_id=found)

    def _checkpoint(self, registration: Registration) -> Checkpoint:
        named = registration.file
        if named is None:
            return self._without_bytes(registration)
        require_buildable(self.index.architecture(registration.architecture_id))
        upload = self._stored(named, registration.source_digest)
        fitted = self.fitting.fit(registration, upload, self.index)
        return fitted.checkpoint(registration, create_time=time.time())

    def _stored(self, named: NamedFile, source_digest: str) -> BlobInfo:
        stored = self.files.stored(named)
        if source_digest and stored.digest != source_digest:
            raise DigestMismatch.between(source_digest, stored.digest)
        return stored

    def _without_bytes(self, registration: Registration) -> Checkpoint:
        """Return an entry that says how to get its numbers."""
        entry = self.index.architecture(registration.architecture_id)
        require_buildable(entry)
        lineage = replace(
            registration.lineage,
            source_digest=registration.source_digest,
            source_proof="full" if registration.source_digest else "",
        )
        return Checkpoint(
            checkpoint_id=registration.checkpoint_id,
            architecture_id=entry.architecture_id,
            structure_of=entry.default_weights,
            backbone_digest="",
            blob_digest="",
            blob_size_bytes=0,
            lineage=lineage,
            load_report=LoadReport(),
            metrics=registration.metrics,
            mean=registration.mean,
            std=registration.std,
            create_time=time.time(),
            structure=registration.structure,
            remedies=registration.remedies,
        )

    def _with_licence(self, registration: Registration) -> Registration:
        """Return the registration under the licence that it states or inherits.

        Raises:
            InvalidRequest: the parent's terms do not allow the stated one.
        """
        lineage = registration.lineage
        self._check_parent(lineage.parent)
        parent = self._licence_of_parent(lineage, registration.architecture_id)
        name = lineage.parent or registration.architecture_id
        violations: list[Violation] = check_licence(lineage.licence, parent, parent_name=name)
        if violations:
            raise invalid(violations)
        licence = inherited_licence(lineage.licence, parent)
        return replace(registration, lineage=replace(lineage, licence=licence))

    def _check_parent(self, parent: str) -> None:
        """Refuse a parent that reads like a checkpoint here and is none: it would lose its terms.

        Raises:
            InvalidRequest: with the nearest names.
        """
        if not is_checkpoint(parent) or self.registry.ever(parent) is not None:
            return
        try:
            self.registry.get(parent)
        except CheckpointNotFound as error:
            why = f"{error.message}; a parent from elsewhere is written in words"
            raise invalid([Violation(field="lineage.parent", description=why)]) from error

    def _licence_of_parent(self, lineage: Lineage, architecture_id: str) -> str:
        """Return what is known of the parent's licence.

        A DINOv3 whose makers do not say what it came from, or name what nobody here knows, is taken
        to come from Meta's.
        """
        known = self._known_licence(lineage.parent) if lineage.parent else None
        if known is not None:
            return known
        entry = self.index.architecture(architecture_id)
        return DINOV3_LICENCE if entry.architecture_id in CONFIGURATIONS else ""

    def _known_licence(self, parent: str) -> str | None:
        """Return the licence of a parent; of a deleted one too, and of any revision of the hub."""
        registered = self.registry.ever(parent)
        if registered is not None:
            return registered.lineage.licence
        if parent == NOT_TRAINED_FROM or parent.startswith(f"{NOT_TRAINED_FROM},"):
            return ""
        try:
            return self.index.weight(parent.partition("@")[0]).licence
        except (NotFound, InvalidRequest):
            return None
