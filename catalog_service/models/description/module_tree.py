"""The modules of a model as rows: roles, stages, shapes, counts. Imports torch."""

from collections.abc import Mapping

from torch import nn

from catalog_service.models.anatomy import Anatomy
from catalog_service.models.description.trace import ModuleCalls, Trace
from catalog_service.models.layout import is_inside
from catalog_service.models.model_description import ModuleInfo

MAX_SUMMARY_CHARS = 200
"""Longer arguments are cut: a list of a thousand class names says nothing here."""


def module_tree(
    model: nn.Module, seen: Trace, parts: Anatomy, trainable: frozenset[str]
) -> tuple[ModuleInfo, ...]:
    """Return a row for each module, depth first, the root first.

    Args:
        trainable: names of the parameters that train.
    """
    modules = dict(model.named_modules())
    work = _multiply_adds(modules, seen)
    return tuple(
        _row(path, module, seen.calls.get(path, ModuleCalls()), parts, trainable, work[path])
        for path, module in modules.items()
    )


def _row(
    path: str,
    module: nn.Module,
    calls: ModuleCalls,
    parts: Anatomy,
    trainable: frozenset[str],
    num_multiply_adds: int,
) -> ModuleInfo:
    sizes = {_join(path, name): each.numel() for name, each in module.named_parameters()}
    return ModuleInfo(
        path=path,
        class_name=type(module).__name__,
        role=_role(path, module, parts),
        stage=_stage(path, parts),
        inputs=calls.inputs,
        outputs=calls.outputs,
        num_parameters=sum(sizes.values()),
        num_trainable_parameters=sum(size for name, size in sizes.items() if name in trainable),
        num_multiply_adds=num_multiply_adds,
        summary=_summary(module),
    )


def _role(path: str, module: nn.Module, parts: Anatomy) -> str:
    """Return the one role of everything inside; empty where there are several."""
    names = [_join(path, name) for name, _ in module.named_parameters()]
    inner = [_join(path, name) for name, _ in module.named_modules() if name]
    roles = {parts.role_of(name) for name in names or inner or [path]}
    return roles.pop() if len(roles) == 1 else ""


def _stage(path: str, parts: Anatomy) -> str:
    for stage in parts.stages:
        if any(is_inside(path, module) for module in stage.modules):
            return stage.name
    return ""


def _multiply_adds(modules: Mapping[str, nn.Module], seen: Trace) -> dict[str, int]:
    """Return path -> multiply-adds; a module that was not called has those of its children."""
    work: dict[str, int] = {}
    for path in reversed(list(modules)):
        children = (f"{path}." if path else "") + "{}"
        if path in seen.calls:
            work[path] = seen.multiply_adds(path)
        else:
            inner = (children.format(name) for name, _ in modules[path].named_children())
            work[path] = sum(work.get(child, 0) for child in inner)
    return work


def _summary(module: nn.Module) -> str:
    text = " ".join(module.extra_repr().split())
    return text if len(text) <= MAX_SUMMARY_CHARS else f"{text[: MAX_SUMMARY_CHARS - 3]}..."


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
