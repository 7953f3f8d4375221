"""What a bundle looks like on a disk, and what its manifest says. No service, no network.

    manifest.json                what is in it; its sha256 is what two sites compare
    blobs/sha256/<64 hex>        the numbers, under the sha256 of their bytes
    licences/<name>.txt          texts that go along
    README.txt                   for whoever finds the folder

The same in one uncompressed `.tar`. `manifest.json` is written last: a folder without one is of an
export that has not finished.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MANIFEST, README = "manifest.json", "README.txt"
BLOBS, LICENCES = "blobs/sha256", "licences"
FORMAT, VERSION = "vertebra-bundle", 1

MAX_MANIFEST_BYTES = 3 * 2**20
"""As catalogs take it."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HEX = re.compile(r"[0-9a-f]{64}")


class BundleUnusable(Exception):
    """A folder or file is no bundle, or not a whole one. `str()` says what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleBlob:
    """A blob of a bundle, and what it is."""

    digest: str
    size_bytes: int
    references: tuple[str, ...]

    @property
    def place(self) -> str:
        """Where it is in the bundle."""
        return blob_place(self.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleManifest:
    """What a manifest says, as far as files go.

    Attributes:
        licence_texts: path in the bundle -> 64 hex digits of its sha256.
        base_digest: of the manifest that this one adds to; empty: it stands alone.
    """

    data: bytes
    blobs: tuple[BundleBlob, ...]
    licence_texts: Mapping[str, str]
    num_entries: int
    base_digest: str

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the manifest."""
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"

    @property
    def total_bytes(self) -> int:
        """Of all blobs."""
        return sum(blob.size_bytes for blob in self.blobs)


def blob_place(digest: str) -> str:
    """Return where a blob is in a bundle."""
    return f"{BLOBS}/{digest.removeprefix('sha256:')}"


def licence_place(licence: str) -> str:
    """Return where the text of a licence is; two licences never share a file."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", licence).strip("._")[:60]
    if name != licence:
        name = f"{name}-{hashlib.sha256(licence.encode()).hexdigest()[:8]}"
    return f"{LICENCES}/{name}.txt"


def parsed_manifest(data: bytes, where: str) -> BundleManifest:
    """Return what a manifest says.

    Args:
        where: of the bundle, for errors.

    Raises:
        BundleUnusable: it is none, or of another release.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise BundleUnusable(f"{where}: {MANIFEST} has more than {MAX_MANIFEST_BYTES} bytes")
    try:
        plain = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BundleUnusable(f"{where}: {MANIFEST} is no JSON; carry it over again") from error
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise BundleUnusable(f"{where}: {MANIFEST} is not a bundle's")
    if plain.get("version") != VERSION:
        raise BundleUnusable(
            f"{where}: {MANIFEST} has version {plain.get('version')!r}; this release reads "
            f"{VERSION}"
        )
    try:
        return _manifest(data, plain)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleUnusable(f"{where}: {MANIFEST} is malformed: {error!r}"[:300]) from error


def _manifest(data: bytes, plain: Mapping[str, Any]) -> BundleManifest:
    entries = [*plain.get("weights", ()), *plain.get("checkpoints", ())]
    sizes: dict[str, int] = {}
    references: dict[str, list[str]] = {}
    for entry in entries:
        digest, size_bytes = entry["blob_digest"], entry["size_bytes"]
        if not _DIGEST.fullmatch(digest) or type(size_bytes) is not int or size_bytes < 0:
            raise ValueError(f"no blob is {str(digest)[:80]} of {str(size_bytes)[:30]} bytes")
        sizes[digest] = size_bytes
        references.setdefault(digest, []).append(str(entry["reference"]))
    texts = {
        licence_place(str(one["licence"])): str(one["text_sha256"])
        for one in plain.get("licences", ())
        if one.get("text_sha256")
    }
    if wrong := [text for text in texts.values() if not _HEX.fullmatch(text)]:
        raise ValueError(f"no sha256 is {wrong[0][:80]}")
    return BundleManifest(
        data=data,
        blobs=tuple(
            BundleBlob(digest=digest, size_bytes=size, references=tuple(references[digest]))
            for digest, size in sorted(sizes.items())
        ),
        licence_texts=texts,
        num_entries=len(entries),
        base_digest=str(plain.get("base_digest", "")),
    )
