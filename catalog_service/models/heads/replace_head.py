"""Puts a recipe's head in place of the published one, where builder arguments are not enough.

The final layer keeps its path: with hidden layers `fc` is a Sequential, `fc.0`, `fc.2` and so on.
"""

from collections.abc import Sequence

from torch import nn

from catalog_service.models.families.family import Family
from catalog_service.models.families.table import family_of
from catalog_service.models.layout import is_inside
from catalog_service.models.placements import PLACEMENTS
from catalog_service.models.recipe import Recipe


def replace_head(module: nn.Module, recipe: Recipe) -> nn.Module:
    """Return `module` with the head of `recipe`; composed heads are left to `compose_model`."""
    head = recipe.head
    if head is None or head["kind"] in PLACEMENTS:
        return module
    family = family_of(recipe.architecture_id)
    if head["kind"] == "identity":
        _put(module, family.final_layer, nn.Identity())
        return module
    if family.output_activation and (head["kind"] == "regression" or head.get("multilabel")):
        _put(module, family.output_activation, nn.Identity())
    hidden, dropout = head.get("hidden_units", ()), head.get("dropout")
    if hidden or dropout is not None:
        _put(module, family.final_layer, _deepened(module, family, hidden, dropout))
    return module


def _deepened(
    module: nn.Module, family: Family, hidden: Sequence[int], dropout: float | None
) -> nn.Module:
    """Return layers in place of the final one: dropout, a layer and ReLU for each hidden width.

    A dropout that the architecture has right before its final layer gets the asked probability;
    where there is none, ours comes first.
    """
    final = module.get_submodule(family.final_layer)
    own = _own_dropout(module, family)
    if own is not None and dropout is not None:
        own.p = dropout
    layers: list[nn.Module] = []
    if own is None and dropout is not None:
        layers.append(nn.Dropout(dropout))
    width = _width(final)
    for next_width in hidden:
        layers += [_like(final, width, next_width), nn.ReLU()]
        layers += [nn.Dropout(dropout)] if dropout is not None else []
        width = next_width
    layers.append(_like(final, width, _num_outputs(final)) if hidden else final)
    return nn.Sequential(*layers) if len(layers) > 1 else final


def _own_dropout(module: nn.Module, family: Family) -> nn.Dropout | None:
    """Return the dropout whose output the final layer takes, if there is one."""
    found: nn.Dropout | None = None
    for path, layer in module.named_modules():
        if path == family.final_layer:
            return found
        if not any(is_inside(path, root) for root in family.head_modules):
            continue
        if isinstance(layer, nn.Dropout):
            found = layer
        elif next(layer.parameters(recurse=False), None) is not None:
            found = None
    raise AssertionError(f"{family.name} has no {family.final_layer}")


def _like(final: nn.Module, num_inputs: int, num_outputs: int) -> nn.Module:
    """Return a layer of the final one's kind: linear, or a convolution of one pixel."""
    has_bias = final.bias is not None
    if isinstance(final, nn.Linear):
        return nn.Linear(num_inputs, num_outputs, bias=has_bias)
    assert isinstance(final, nn.Conv2d | nn.Conv3d), final
    return type(final)(num_inputs, num_outputs, kernel_size=1, bias=has_bias)


def _width(final: nn.Module) -> int:
    assert isinstance(final, nn.Linear | nn.Conv2d | nn.Conv3d), final
    return final.in_features if isinstance(final, nn.Linear) else final.in_channels


def _num_outputs(final: nn.Module) -> int:
    assert isinstance(final, nn.Linear | nn.Conv2d | nn.Conv3d), final
    return final.out_features if isinstance(final, nn.Linear) else final.out_channels


def _put(module: nn.Module, path: str, layer: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(module.get_submodule(parent), name, layer)
