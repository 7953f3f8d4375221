"""Skeletons that are built once a process and then copied, module by module, for every model.

Building a module costs a hundred times more than copying one. A copy shares no module, no parameter
and no container with its template; what other objects a module holds is deep-copied, references to
modules and tensors of the same tree included. A module that wants to be copied its own way is left
to `copy.deepcopy`. Imports torch.
"""

import copy
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from catalog_service.models.describe import layout_of
from catalog_service.models.layout import StateLayout
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import structure

MAX_TEMPLATES = 64
"""Kept in memory; a large one takes a few megabytes."""

_TREE = ("_parameters", "_buffers", "_modules")
_ATOMS = (type(None), bool, int, float, complex, str, bytes, type, torch.dtype, torch.device)
_CONTAINERS = (dict, list, set, OrderedDict)
_OWN_WAY = ("__deepcopy__", "__copy__", "__reduce__", "__reduce_ex__", "__getstate__")

Numbers = Callable[[str, Tensor], Tensor]
"""Gives the tensor that stands for a template's tensor of this name in a copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A module whose parameters and buffers are on meta, to be copied and never changed."""

    module: nn.Module
    layout: StateLayout
    hidden: Mapping[str, Tensor]
    """Buffers that no state holds, such as a table of frequencies: name -> numbers, on the CPU."""

    unknown: tuple[str, ...]
    """Such buffers whose numbers the builder did not compute."""

    is_plain: bool
    """Whether `copied` is a faithful copy; `copy.deepcopy` serves all others."""

    def copied(self, numbers: Numbers) -> nn.Module:
        """Return a module of its own that holds what `numbers` gives; parameters can train."""
        if self.is_plain:
            return copied(self.module, numbers)
        return _deep_copied(self.module, numbers)


def template(recipe: Recipe) -> Template:
    """Return the template of a recipe, the same object for equal recipes."""
    return _template(json.dumps(recipe.to_json(), sort_keys=True))


@lru_cache(MAX_TEMPLATES)
def _template(recipe_text: str) -> Template:
    recipe = Recipe.from_json(json.loads(recipe_text))
    module = structure(recipe)
    buffers = _hidden_buffers(module)
    hidden = {name: each.detach().clone() for name, each in buffers.items() if not each.is_meta}
    module = module.to("meta")
    return Template(
        module=module,
        layout=layout_of(module, recipe),
        hidden=hidden,
        unknown=tuple(name for name in buffers if name not in hidden),
        is_plain=is_plain(module),
    )


def is_plain(module: nn.Module) -> bool:
    """Return whether `copied` makes a faithful copy, by what the modules are and by making one."""
    if any(_has_own_way(each) for each in module.modules()):
        return False
    return _is_faithful(module, copied(module, lambda name, tensor: tensor))


def copied(module: nn.Module, numbers: Numbers) -> nn.Module:
    """Return a copy of a plain module that holds what `numbers` gives."""
    modules = list(module.named_modules())
    memo: dict[int, Any] = {
        id(old): type(old).__new__(type(old))  # type: ignore[call-overload]
        for _, old in modules
    }
    for path, old in modules:
        prefix = f"{path}." if path else ""
        values = memo[id(old)].__dict__
        values["_parameters"] = {
            name: _parameter(memo, f"{prefix}{name}", old_tensor, numbers)
            for name, old_tensor in old._parameters.items()
        }
        values["_buffers"] = {
            name: _tensor(memo, f"{prefix}{name}", old_tensor, numbers)
            for name, old_tensor in old._buffers.items()
        }
        values["_modules"] = {
            name: memo.get(id(child)) if child is not None else None
            for name, child in old._modules.items()
        }
    for _, old in modules:
        values = memo[id(old)].__dict__
        for name, value in old.__dict__.items():
            if name not in _TREE:
                values[name] = _value(value, memo)
    whole: nn.Module = memo[id(module)]
    return whole


def _value(value: Any, memo: dict[int, Any]) -> Any:
    """Return an attribute for a copy: an empty container of its own is the usual case."""
    if isinstance(value, _ATOMS):
        return value
    if type(value) in _CONTAINERS and not value:
        return type(value)()
    return copy.deepcopy(value, memo)


def _parameter(
    memo: dict[int, Any], name: str, old: nn.Parameter | None, numbers: Numbers
) -> nn.Parameter | None:
    if old is None:
        return None
    if id(old) not in memo:
        memo[id(old)] = nn.Parameter(numbers(name, old), requires_grad=old.requires_grad)
    parameter: nn.Parameter = memo[id(old)]
    return parameter


def _tensor(memo: dict[int, Any], name: str, old: Tensor | None, numbers: Numbers) -> Tensor | None:
    if old is None:
        return None
    if id(old) not in memo:
        memo[id(old)] = numbers(name, old)
    tensor: Tensor = memo[id(old)]
    return tensor


def _deep_copied(module: nn.Module, numbers: Numbers) -> nn.Module:
    whole = copy.deepcopy(module)
    for path, each in whole.named_modules():
        prefix = f"{path}." if path else ""
        memo: dict[int, Any] = {}
        for name, old in list(each._parameters.items()):
            each._parameters[name] = _parameter(memo, f"{prefix}{name}", old, numbers)
        for name, buffer in list(each._buffers.items()):
            each._buffers[name] = _tensor(memo, f"{prefix}{name}", buffer, numbers)
    return whole


def _has_own_way(module: nn.Module) -> bool:
    """Return whether a module says itself how it is copied, or holds what is not in `__dict__`."""
    kind = type(module)
    says = any(getattr(kind, name, None) is not getattr(nn.Module, name, None) for name in _OWN_WAY)
    has_slots = any("__slots__" in vars(each) for each in kind.__mro__ if each is not object)
    return says or has_slots or parametrize.is_parametrized(module)


def _is_faithful(old: nn.Module, new: nn.Module) -> bool:
    """Return whether two trees are alike in all that can be seen, and share no module."""
    shared = {id(each) for each in old.modules()} & {id(each) for each in new.modules()}
    return not shared and repr(old) == repr(new) and _outline(old) == _outline(new)


def _outline(module: nn.Module) -> list[object]:
    tensors = chain(
        module.named_parameters(remove_duplicate=False),
        module.named_buffers(remove_duplicate=False),
    )
    return [
        *((name, each.requires_grad, tuple(each.shape), each.dtype) for name, each in tensors),
        *((path, type(each), each.training, sorted(vars(each))) for path, each in _paths(module)),
        *module.state_dict(),
    ]


def _paths(module: nn.Module) -> list[tuple[str, nn.Module]]:
    return list(module.named_modules(remove_duplicate=False))


def _hidden_buffers(module: nn.Module) -> dict[str, Tensor]:
    held = module.state_dict().keys()
    return {name: buffer for name, buffer in module.named_buffers() if name not in held}
