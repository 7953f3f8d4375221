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
from catalog_service.errors import InvalidRequest
from catalog_service.models.plain_json import MalformedJson, from_plain, to_plain

FORMAT = "vertebra-bundle"
VERSION = 1

MAX_MANIFEST_BYTES = 16 * 2**20
"""A hundred thousand entries."""


class ManifestInvalid(InvalidRequest):
    """Not a manifest that this release reads."""

    reason = "MANIFEST_INVALID"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightNumbers:
    """Numbers of a published weight, converted (as published, for quantized ones).

    Attributes:
        file_name: of the published file; an importing site must have the same pin.
        source_digest, proof, rules, ignored, non_finite: as the conversion was remembered.
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
        """Return the file: sorted keys and entries, so that nothing but its content decides."""
        ordered = Manifest(
            weights=tuple(sorted(self.weights, key=lambda one: one.reference)),
            checkpoints=tuple(sorted(self.checkpoints, key=lambda one: one.reference)),
            licences=tuple(sorted(self.licences, key=lambda one: one.licence)),
            base_digest=self.base_digest,
        )
        text = json.dumps(to_plain(ordered), sort_keys=True, indent=1, allow_nan=False)
        return f"{text}\n".encode()

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
    except (MalformedJson, TypeError) as error:
        raise ManifestInvalid(f"the manifest is malformed: {error}") from error
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
        if not _is_digest(entry.blob_digest) or entry.size_bytes < 0:
            raise ManifestInvalid(
                f"{entry.reference[:100]!r}: no blob is {entry.blob_digest[:80]!r} "
                f"of {entry.size_bytes} bytes"
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
