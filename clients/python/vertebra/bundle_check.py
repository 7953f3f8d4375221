"""Finds what is wrong with a bundle: every byte of it is read. No service, no network."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from vertebra.bundle_files import COPY_BYTES, BundleFiles
from vertebra.bundle_layout import MANIFEST, README, BundleBlob, BundleManifest

MISSING, DAMAGED, FOREIGN = "missing", "damaged", "not of this bundle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """A file of a bundle that is not as its manifest says.

    Attributes:
        place: its path in the bundle.
        kind: MISSING, DAMAGED or FOREIGN.
        text: what is so, for people.
        references: what cannot be had from this bundle therefore.
    """

    place: str
    kind: str
    text: str
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    place: str
    sha256: str
    size_bytes: int | None
    references: tuple[str, ...]


def defects(
    files: BundleFiles, manifest: BundleManifest, on_bytes: Callable[[int], None]
) -> Iterator[Defect]:
    """Yield what is wrong, as it is found.

    Args:
        on_bytes: called with how many more bytes of blobs were read.
    """
    sizes = files.sizes()
    wanted = [*map(_wanted_blob, manifest.blobs), *_wanted_texts(manifest)]
    for one in wanted:
        defect = _defect(files, one, sizes, on_bytes)
        if defect is not None:
            yield defect
    known = {one.place for one in wanted} | {MANIFEST, README}
    for place in sorted(sizes.keys() - known):
        yield Defect(place=place, kind=FOREIGN, text="the manifest does not name it")


def blob_defect(
    files: BundleFiles,
    blob: BundleBlob,
    sizes: Mapping[str, int],
    on_bytes: Callable[[int], None],
) -> Defect | None:
    """Return what is wrong with a blob; only one of the right size is read.

    Args:
        sizes: of all files, from `files.sizes()`.
    """
    return _defect(files, _wanted_blob(blob), sizes, on_bytes)


def _sha256_in(files: BundleFiles, place: str, on_bytes: Callable[[int], None]) -> str:
    """Return 64 hex digits of a file's bytes."""
    hashed = hashlib.sha256()
    with files.open(place) as file:
        while piece := file.read(COPY_BYTES):
            hashed.update(piece)
            on_bytes(len(piece))
    return hashed.hexdigest()


def _wanted_blob(blob: BundleBlob) -> _Wanted:
    return _Wanted(
        place=blob.place,
        sha256=blob.digest.removeprefix("sha256:"),
        size_bytes=blob.size_bytes,
        references=blob.references,
    )


def _wanted_texts(manifest: BundleManifest) -> list[_Wanted]:
    return [
        _Wanted(place=place, sha256=digits, size_bytes=None, references=())
        for place, digits in sorted(manifest.licence_texts.items())
    ]


def _defect(
    files: BundleFiles,
    wanted: _Wanted,
    sizes: Mapping[str, int],
    on_bytes: Callable[[int], None],
) -> Defect | None:
    size = sizes.get(wanted.place)
    if size is None:
        return _found(wanted, MISSING, "is not there")
    if size < 0:
        return _found(wanted, DAMAGED, "is no plain file")
    if wanted.size_bytes is not None and size != wanted.size_bytes:
        return _found(wanted, DAMAGED, f"has {size} bytes, not {wanted.size_bytes}")
    try:
        found = _sha256_in(files, wanted.place, on_bytes)
    except OSError as error:
        return _found(wanted, DAMAGED, f"cannot be read: {error.strerror or error}")
    if found != wanted.sha256:
        return _found(wanted, DAMAGED, f"has other bytes: its sha256 is {found[:12]}...")
    return None


def _found(wanted: _Wanted, kind: str, text: str) -> Defect:
    return Defect(place=wanted.place, kind=kind, text=text, references=wanted.references)
