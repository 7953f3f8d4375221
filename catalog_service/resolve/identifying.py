"""What a checkpoint's file is: read by a child process, names and shapes alone, and compared."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

from catalog_service.checkpoints.identify import Identification, NotIdentified, identify
from catalog_service.errors import Precondition, listed
from catalog_service.reader.read_file import TensorListing, list_tensors


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifiedFile:
    """A file's listing, and what it may be."""

    listing: TensorListing
    identification: Identification

    @property
    def num_elements(self) -> int:
        """Return how many numbers the file holds."""
        return sum(prod(tensor.shape) for tensor in self.listing.tensors)


def identify_file(path: Path, shown: str, *, max_candidates: int) -> IdentifiedFile:
    """Return what a file may be. No tensor is read.

    Args:
        shown: what the caller calls it, in errors.

    Raises:
        FileUnreadable: not a tensor file, or it would execute.
    """
    try:
        listing = list_tensors(path)
    except Precondition as error:
        message = error.message.replace(path.name, shown)
        raise Precondition(message, reason=error.error_reason, metadata=error.metadata) from error
    return IdentifiedFile(listing=listing, identification=identify(listing.tensors, max_candidates))


def decided(path: Path, prefix: str) -> str:
    """Return the architecture that a file is beyond doubt.

    Args:
        prefix: of the tree to look at; empty: the whole file.

    Raises:
        FileUnreadable: not a tensor file, or it would execute.
        CheckpointAmbiguous: it may be several.
        NotIdentified: it is none, or nothing in it has the prefix.
    """
    tensors = list_tensors(path).tensors
    inside = [tensor for tensor in tensors if tensor.name.startswith(prefix)]
    if prefix and not inside:
        first = sorted({tensor.name.partition(".")[0] for tensor in tensors})
        raise NotIdentified(
            f"no tensor's name begins with {prefix[:100]!r}; they begin with {listed(first)}"
        )
    return identify(inside).the_match().architecture_id
