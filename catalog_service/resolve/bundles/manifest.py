"""What a bundle says of itself: plain JSON, the same bytes for the same bundle. Pure.

The manifest is all that an importing site has to trust: compare its sha256 with the one that the
exporting side printed. Everything else follows from digests in it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog_service.blobs.digests import parse_digest
from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.errors import InvalidRequest, Violation, invalid
from catalog_service.models.plain_json import MalformedJson, from_plain, to_plain

FORMAT = "vertebra-bundle"
VERSION = 1

MAX_MANIFEST_BYTES = 3 * 2**20
"""Some thousands of entries, and less than a message of ours may have."""

MAX_ENTRY_CHARS = 256 * 1024
"""Of one entry: lists of checkpoints carry them."""

PROOFS = ("full", "prefix", "first_use")


class ManifestInvalid(InvalidRequest):
    """Not a manifest that this release reads."""

    reason = "MANIFEST_INVALID"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightNumbers:
    """Numbers of a published weight, converted (as published, for quantized ones).

    Attributes:
        file_name: of the published file; an importing site must have the same pin.
        source_digest, proof, rules, ignored, non_finite: as the conversion was remembered.
        asked: other references of the same numbers, such as a repository without its commit.
    """

    reference: str
    architecture_id: str
    file_name: str
    url: str
    licence: str
    blob_digest: str
    size_bytes: int
    source_digest: str
    proof: str
    rules: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    non_finite: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    repository: Mapping[str, Any] = field(default_factory=dict)
    """What a repository of the hub says of itself, where the index does not list the weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointNumbers:
    """A registered backbone: its blob, and its whole entry."""

    reference: str
    architecture_id: str
    licence: str
    blob_digest: str
    size_bytes: int
    entry: Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """Terms of some entries; the text is a file `licences/<name>.txt` of the bundle."""

    licence: str
    url: str = ""
    text_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a bundle holds.

    Attributes:
        base_digest: of the manifest that this one adds to; empty: it stands alone.
    """

    weights: tuple[WeightNumbers, ...] = ()
    checkpoints: tuple[CheckpointNumbers, ...] = ()
    licences: tuple[Licence, ...] = ()
    base_digest: str = ""
    format: str = FORMAT
    version: int = VERSION

    def to_bytes(self) -> bytes:
        """Return the file: sorted keys and entries, so that nothing but its content decides.

        Raises:
            InvalidRequest: more than one manifest holds.
        """
        ordered = Manifest(
            weights=tuple(sorted(self.weights, key=lambda one: one.reference)),
            checkpoints=tuple(sorted(self.checkpoints, key=lambda one: one.reference)),
            licences=tuple(sorted(self.licences, key=lambda one: one.licence)),
            base_digest=self.base_digest,
        )
        text = json.dumps(to_plain(ordered), sort_keys=True, indent=1, allow_nan=False)
        data = f"{text}\n".encode()
        if len(data) > MAX_MANIFEST_BYTES:
            why = f"{len(self.entries)} entries are too many for one bundle; make several"
            raise invalid([Violation(field="selection", description=why)])
        return data

    @property
    def entries(self) -> tuple[WeightNumbers | CheckpointNumbers, ...]:
        """Everything in the bundle, by reference."""
        return tuple(sorted((*self.weights, *self.checkpoints), key=lambda one: one.reference))

    @property
    def blobs(self) -> dict[str, int]:
        """Digest -> bytes of everything that the bundle holds."""
        return {entry.blob_digest: entry.size_bytes for entry in self.entries}


def manifest_digest(data: bytes) -> str:
    """Return `sha256:<hex>` of a manifest's bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def read_manifest(data: bytes) -> Manifest:
    """Return the manifest in a file.

    Raises:
        ManifestInvalid: with where it is wrong.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise ManifestInvalid(f"a manifest of {len(data)} bytes; the limit is {MAX_MANIFEST_BYTES}")
    try:
        plain = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ManifestInvalid(
            "the manifest is no JSON; is it the bundle's manifest.json?"
        ) from error
    _check_version(plain)
    try:
        manifest = from_plain(Manifest, plain, path="manifest")
        json.dumps(to_plain(manifest), allow_nan=False, ensure_ascii=False).encode()
    except (MalformedJson, TypeError, ValueError, RecursionError) as error:
        raise ManifestInvalid(f"the manifest is malformed: {str(error)[:300]}") from error
    _check_entries(manifest)
    return manifest


def _check_version(plain: object) -> None:
    found = plain if isinstance(plain, dict) else {}
    if found.get("format") != FORMAT:
        raise ManifestInvalid(f"the manifest has no format {FORMAT!r}; is it a bundle's?")
    if found.get("version") != VERSION:
        raise ManifestInvalid(
            f"the manifest has version {found.get('version')!r}; this release reads {VERSION}: "
            "update the catalog, or export with one of its release"
        )


def _check_entries(manifest: Manifest) -> None:
    references = [entry.reference for entry in manifest.entries]
    if len(set(references)) != len(references):
        raise ManifestInvalid("the manifest has an entry twice")
    for entry in manifest.entries:
        if len(json.dumps(to_plain(entry))) > MAX_ENTRY_CHARS:
            raise ManifestInvalid(f"{entry.reference[:100]!r} has too long an entry")
        if not _is_digest(entry.blob_digest) or not 0 <= entry.size_bytes < 2**63:
            raise ManifestInvalid(
                f"{entry.reference[:100]!r}: no blob is {entry.blob_digest[:80]!r} "
                f"of {str(entry.size_bytes)[:30]} bytes"
            )
    for weight in manifest.weights:
        if not _is_digest(weight.source_digest) or weight.proof not in PROOFS:
            raise ManifestInvalid(
                f"{weight.reference[:100]!r}: no published file is {weight.source_digest[:80]!r}, "
                f"known by {weight.proof[:20]!r}"
            )
    for one in manifest.checkpoints:
        told = (one.entry.name, one.entry.blob_digest, one.entry.blob_size_bytes)
        if told != (one.reference, one.blob_digest, one.size_bytes):
            raise ManifestInvalid(f"{one.reference[:100]!r}: its entry is another one's")


def _is_digest(text: str) -> bool:
    try:
        return parse_digest(text) == text
    except InvalidRequest:
        return False
