"""Whether a blob can be what a bundle's manifest calls it: its tensors are looked at.

The manifest of a bundle says which blob is which weight. Digests prove that the blob is the one
that was meant; these checks find a manifest that meant the wrong one.
"""

from pathlib import Path

from catalog_service.blobs.safetensors_file import (
    SERVED_HEADER_BYTES,
    MalformedSafetensors,
    TensorEntry,
    read_header,
)
from catalog_service.blobs.state_digest import state_digest, tensor_digests
from catalog_service.errors import listed
from catalog_service.index.entries import WeightEntry
from catalog_service.index.layouts import PublishedLayout, published_layouts


def misfit(path: Path, weight: WeightEntry) -> str:
    """Return why a file cannot hold a weight's converted numbers; empty where it may.

    Every parameter must be there in its shape. Buffers may be missing, as published files lack
    some, and more may be there. Structures of no published weight are left to the build.
    """
    try:
        header = read_header(path, max_header_bytes=SERVED_HEADER_BYTES)
    except MalformedSafetensors as error:
        return f"its blob is no safetensors file: {error.message[:200]}"
    tensors = {entry.name: entry for entry in header}
    layouts = [one for one in published_layouts() if _is_of(one, weight)]
    wrong = [_wrong(one, tensors) for one in layouts]
    return min(wrong, key=len, default="")


def other_backbone(path: Path, backbone_digest: str) -> str:
    """Return why a file is not the state that a digest names; empty where it is.

    Reads all of it.
    """
    try:
        found = state_digest(tensor_digests(path, max_header_bytes=SERVED_HEADER_BYTES))
    except MalformedSafetensors as error:
        return f"its blob is no safetensors file: {error.message[:200]}"
    if found == backbone_digest:
        return ""
    return f"its blob holds backbone {found[:19]}..., not {backbone_digest[:19]}..."


def _is_of(layout: PublishedLayout, weight: WeightEntry) -> bool:
    is_same = layout.architecture_id == weight.architecture_id
    return is_same and dict(layout.arguments) == dict(weight.arguments)


def _wrong(layout: PublishedLayout, tensors: dict[str, TensorEntry]) -> str:
    lacking = [
        one.name
        for one in layout.layout.tensors
        if not one.is_buffer
        and (one.name not in tensors or tensors[one.name].shape != tuple(one.shape))
    ]
    if not lacking:
        return ""
    return f"its blob is no {layout.architecture_id}: {listed(lacking)} missing or of another shape"
