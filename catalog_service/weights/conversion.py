"""From proven published files to one blob in the store, under canonical names.

The files are read by the reader's child, which executes nothing in them. Nothing is kept of them
but the blob, except for quantized weights: their packed parameters are pickled objects, so the file
is stored as it was published and never opened.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog_service.blobs.blob import BlobInfo
from catalog_service.blobs.disk import discard
from catalog_service.blobs.store import BlobStore
from catalog_service.errors import Precondition, listed
from catalog_service.models.layout import StateLayout
from catalog_service.reader.read_file import (
    FileTensors,
    TensorListing,
    list_tensors,
    merge_tensors,
)
from catalog_service.weights.file_names import FileNames, file_names
from catalog_service.weights.sources.shards import ShardIndex

MAX_REPORTED = 1000
MAX_REPORTED_CHARS = 200
"""How many ignored objects and non-finite tensors are kept, and how much of each: a message must
carry them."""

Written = Callable[[int, int], None]
"""Takes how many bytes are written and how many there will be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A weight's blob, and what became of the published files.

    Attributes:
        rules: renames that were made.
        ignored: objects beside the tensors that were not taken, as `name (kind)`.
        non_finite: tensors with NaN or infinite numbers, by canonical name.
    """

    blob: BlobInfo
    rules: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    non_finite: tuple[str, ...] = ()


class PartsDiffer(Precondition):
    """The parts of a weight are not those that its index describes."""

    reason = "FILE_UNREADABLE"


def convert(
    paths: Sequence[Path],
    family: str,
    store: BlobStore,
    *,
    shards: ShardIndex | None = None,
    layout: StateLayout | None = None,
    written: Written | None = None,
) -> Converted:
    """Store the tensors of one weight's files as one safetensors blob under canonical names.

    Args:
        paths: the published file, or the parts of one that was published in parts, in the order
            of `shards.files`.
        family: whose historic names are known, such as `densenet`.
        shards: the index of the parts; they must be what it says.
        layout: of the architecture, for files in the names of other code (`foreign_layout`).
        written: is told now and then how far it got; from this thread.

    Raises:
        FileUnreadable, MalformedSafetensors: not a tensor file, or it would execute.
        NamesCollide, NamesUnknown: two tensors would have one name, or are not those of `layout`.
        PartsDiffer: a part lacks tensors that the index says it has, or has others.
        DiskFull: no room.
        OSError: a file cannot be read.
    """
    listings = [list_tensors(path) for path in paths]
    if shards is not None:
        _check_parts(shards, listings)
    found = file_names([spec for each in listings for spec in each.tensors], family, layout)
    parts = [_taken(path, listing, found) for path, listing in zip(paths, listings, strict=True)]
    blob, non_finite = _written(parts, found, store, written)
    ignored = tuple(item for listing in listings for item in listing.ignored)
    return Converted(
        blob=blob, rules=found.rules, ignored=_cut(ignored), non_finite=_cut(non_finite)
    )


def _cut(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is remembered of a list that the file's makers can make as long as they like."""
    shown = tuple(text[:MAX_REPORTED_CHARS] for text in texts[:MAX_REPORTED])
    hidden = len(texts) - len(shown)
    return (*shown, f"and {hidden} more") if hidden else shown


def _written(
    parts: Sequence[FileTensors], found: FileNames, store: BlobStore, written: Written | None
) -> tuple[BlobInfo, tuple[str, ...]]:
    """Return the new blob, and which of its tensors have numbers that are not finite."""
    staged = store.new_staging_path()
    try:
        non_finite = merge_tensors(parts, staged, zeros=found.zeros, written=written)
        return store.commit_staged(staged), non_finite
    finally:
        discard(staged)


def store_as_published(path: Path, store: BlobStore, *, digest: str) -> Converted:
    """Store a file as it is: for quantized weights, whose numbers only executing it would reveal.

    Args:
        digest: of the file, as it was proven.

    Raises:
        DigestMismatch: the file changed since; nothing was stored.
        DiskFull: no room.
    """
    return Converted(blob=store.adopt_file(path, expected_digest=digest))


def _taken(path: Path, listing: TensorListing, found: FileNames) -> FileTensors:
    own = [spec.name for spec in listing.tensors]
    return FileTensors(
        path=path,
        names={name: found.names[name] for name in own if name in found.names},
        cuts={name: found.cuts[name] for name in own if name in found.cuts},
    )


def _check_parts(shards: ShardIndex, listings: Sequence[TensorListing]) -> None:
    for file, listing in zip(shards.files, listings, strict=True):
        wanted, found = shards.names_in(file), {spec.name for spec in listing.tensors}
        if wanted != found:
            raise PartsDiffer(
                f"part {file!r} is not what its index says: {len(wanted - found)} tensors are not "
                f"in it ({listed(sorted(wanted - found)) or 'none'}), {len(found - wanted)} are "
                f"not in the index ({listed(sorted(found - wanted)) or 'none'})"
            )
