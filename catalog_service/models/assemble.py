"""A built model's module from its two files: mapped, not read, and put into a copied skeleton.

For whoever runs models: the trainer's worker and the Python client. Imports torch.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from catalog_service.blobs.safetensors_file import ALIGNED_BYTES, TensorEntry, read_header
from catalog_service.errors import listed
from catalog_service.models.attach import SkeletonIncomplete, State, require_fitting
from catalog_service.models.dtypes import TORCH_DTYPES
from catalog_service.models.layout import StateLayout
from catalog_service.models.recipe import Recipe
from catalog_service.models.state_mismatch import StateMismatch
from catalog_service.models.template import template


def assemble(recipe: Recipe, backbone: Path, head: Path) -> nn.Module:
    """Return a recipe's module with the numbers of its two files, as its library builds it:
    in training mode, parameters trainable.

    The files are mapped privately: a page is read when a forward needs it, and what training
    writes stays in this process. They must never be rewritten in place; a store's blobs are not.

    Args:
        backbone: safetensors file under the names of the backbone architecture.
        head: safetensors file of everything else, under the model's names.

    Raises:
        StateMismatch: a name is missing or unexpected, or a shape or dtype differs.
        SkeletonIncomplete: a buffer that no file holds has no numbers either.
        MalformedSafetensors: not a sound safetensors file.
    """
    return assembled(recipe, map_parts(template(recipe).layout, backbone, head))


def assembled(recipe: Recipe, state: State) -> nn.Module:
    """Return a recipe's module that holds the tensors of `state`, no second copy of them.

    Raises:
        StateMismatch, SkeletonIncomplete: as in `assemble`.
    """
    built = template(recipe)
    require_fitting(state, built.layout)
    if built.unknown:
        raise SkeletonIncomplete(
            f"{len(built.unknown)} tensors are in no state and still have no numbers "
            f"({listed(built.unknown)})"
        )
    hidden = built.hidden
    return built.copied(lambda name, _: state[name] if name in state else hidden[name].clone())


def map_parts(layout: StateLayout, backbone: Path, head: Path) -> dict[str, Tensor]:
    """Return the tensors of a model's two files under the model's names, mapped and not read.

    Raises:
        StateMismatch: a name is in both files.
        MalformedSafetensors: not a sound safetensors file.
    """
    inside = {layout.model_name(name): each for name, each in map_tensors(backbone).items()}
    outside = map_tensors(head)
    if twice := sorted(inside.keys() & outside.keys()):
        raise StateMismatch(f"{head.name} repeats {len(twice)} tensors ({listed(twice)})")
    return {**inside, **outside}


def map_tensors(path: Path) -> Mapping[str, Tensor]:
    """Return a safetensors file's tensors, mapped privately: written pages are copies.

    Raises:
        MalformedSafetensors: not a sound safetensors file.
    """
    entries = read_header(path)
    if not entries:
        return {}
    size_bytes = max(entry.end for entry in entries)
    whole = torch.from_file(str(path), shared=False, size=size_bytes, dtype=torch.uint8)
    return {entry.name: _tensor(whole, entry) for entry in entries}


def _tensor(whole: Tensor, entry: TensorEntry) -> Tensor:
    """Return a tensor of the file's own memory, or a copy where it does not begin as torch's own
    do: sums are cut into other parts there, and round otherwise.

    No view of `whole`: views have one version, so a step on one tensor would make autograd refuse
    all others.
    """
    dtype = TORCH_DTYPES[entry.dtype]
    if entry.begin % ALIGNED_BYTES:
        return whole[entry.begin : entry.end].clone().view(dtype).view(entry.shape)
    empty = torch.empty(0, dtype=dtype)
    begin = entry.begin // dtype.itemsize
    return empty.set_(whole.untyped_storage(), begin, entry.shape, _strides(entry.shape))


def _strides(shape: Sequence[int]) -> list[int]:
    """Return the strides of a contiguous tensor."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return strides[::-1]
