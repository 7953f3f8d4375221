"""From the tensors of a recipe's model to its layout: roles and stages by name. Pure, no torch."""

from collections.abc import Iterable, Sequence

from catalog_service.models.anatomy import anatomy
from catalog_service.models.families.family import StageRule
from catalog_service.models.layout import Stage, StateLayout, TensorInfo, is_inside, layout_digest
from catalog_service.models.recipe import Recipe


def laid_out(tensors: Iterable[TensorInfo], recipe: Recipe) -> StateLayout:
    """Return the layout of a model with `tensors`, in the order of its `state_dict()`."""
    parts = anatomy(recipe)
    found = tuple(tensors)
    return StateLayout(
        tensors=found,
        stages=tuple(_stage(rule, found) for rule in parts.stages),
        head_modules=parts.head_modules,
        neck_modules=parts.neck_modules,
        aux_modules=parts.aux_modules,
        replaced_modules=_with_tensors(parts.replaced_modules, found),
        layout_digest=layout_digest(found),
        backbone_architecture=parts.backbone_architecture,
        backbone_names=parts.backbone_names,
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
