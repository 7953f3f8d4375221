"""A built model's module from its two files: mapped, not read, and put into a copied skeleton.

For whoever runs models: the trainer's worker and the Python client. Imports torch.
"""

from pathlib import Path

from torch import Tensor, nn

from catalog_service.errors import listed
from catalog_service.models.fitting import SkeletonIncomplete, State, require_fitting
from catalog_service.models.layout import StateLayout
from catalog_service.models.mapped_file import map_tensors
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
