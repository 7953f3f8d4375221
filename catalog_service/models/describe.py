"""A recipe's layout: names, shapes, roles and stages, read from its skeleton. Imports torch."""

from collections.abc import Sequence

from torch import nn

from catalog_service.models.anatomy import Anatomy, anatomy
from catalog_service.models.dtypes import spelling_of
from catalog_service.models.families.family import StageRule
from catalog_service.models.layout import Stage, StateLayout, TensorInfo, is_inside, layout_digest
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import skeleton


def describe(recipe: Recipe) -> StateLayout:
    """Return everything about the state that a recipe's module has, but the numbers."""
    return layout_of(skeleton(recipe), recipe)


def layout_of(module: nn.Module, recipe: Recipe) -> StateLayout:
    """Return the layout of a module that was built from `recipe`."""
    parts = anatomy(recipe)
    tensors = _tensors(module, parts)
    return StateLayout(
        tensors=tensors,
        stages=tuple(_stage(rule, tensors) for rule in parts.stages),
        head_modules=parts.head_modules,
        neck_modules=parts.neck_modules,
        aux_modules=parts.aux_modules,
        replaced_modules=_with_tensors(parts.replaced_modules, tensors),
        layout_digest=layout_digest(tensors),
        backbone_architecture=parts.backbone_architecture,
        backbone_names=parts.backbone_names,
    )


def _tensors(module: nn.Module, parts: Anatomy) -> tuple[TensorInfo, ...]:
    parameters = {name for name, _ in module.named_parameters()}
    return tuple(
        TensorInfo(
            name=name,
            dtype=spelling_of(tensor.dtype),
            shape=tuple(tensor.shape),
            role=parts.role_of(name),
            is_buffer=name not in parameters,
        )
        for name, tensor in module.state_dict().items()
    )


def _stage(rule: StageRule, tensors: Sequence[TensorInfo]) -> Stage:
    inside = [
        tensor
        for tensor in tensors
        if tensor.role == "backbone" and any(is_inside(tensor.name, path) for path in rule.modules)
    ]
    count = sum(tensor.num_parameters for tensor in inside)
    return Stage(name=rule.name, modules=rule.modules, num_parameters=count)


def _with_tensors(modules: Sequence[str], tensors: Sequence[TensorInfo]) -> tuple[str, ...]:
    """Return the modules that are there: some heads are dropped, some layers are Identity."""
    return tuple(
        path for path in modules if any(is_inside(tensor.name, path) for tensor in tensors)
    )
