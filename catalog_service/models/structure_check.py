"""Whether a model without some of its modules still runs: a forward on the meta device.

Imports torch: for the worker.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from catalog_service.errors import InvalidRequest, listed
from catalog_service.models.description.drivers import driver_of
from catalog_service.models.plain_json import JsonObject
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import skeleton


def check_structure(arguments: Mapping[str, Any]) -> JsonObject:
    """Return nothing where a recipe's model runs; for the worker's table.

    Args:
        arguments: `recipe`, and `shape`: of the images, [B, C, H, W] or [B, C, T, H, W].

    Raises:
        InvalidRequest: no such module; a removed one whose output another module needs: names the
            module whose input is not what it takes; or one that makes the model's own output, which
            would no longer be what the output contract says.
    """
    recipe = Recipe.from_json(arguments["recipe"])
    removed, shape = recipe.removed_modules, tuple(arguments["shape"])
    found = shapes_of(run(skeleton(recipe), removed, shape))
    whole = skeleton(replace(recipe, removed_modules=()))
    expected = shapes_of(run(whole, (), shape))
    if found != expected:
        raise InvalidRequest(
            f"without {_quoted(removed)} the model gives {found} and not {expected}, which its "
            "task says; the task 'features' gives what the last layer takes"
        )
    return {}


def shapes_of(outputs: object) -> list[list[int]]:
    """Return the shape of every tensor in nested lists and mappings, in order."""
    if isinstance(outputs, Tensor):
        return [list(outputs.shape)]
    if isinstance(outputs, Mapping):
        outputs = outputs.values()
    if not isinstance(outputs, Iterable):
        return []
    return [shape for each in outputs for shape in shapes_of(each)]


def _quoted(paths: tuple[str, ...]) -> str:
    return listed([repr(path) for path in paths])


def run(module: nn.Module, removed: tuple[str, ...], shape: tuple[int, ...]) -> object:
    """Return what a forward of images of `shape` gives.

    Args:
        module: on the meta device.
        removed: paths that are Identity, for the message.

    Raises:
        InvalidRequest: the forward breaks.
    """
    module.eval()
    running: list[str] = []
    with _told(module, running), torch.no_grad():
        try:
            return driver_of(module).run(module, torch.empty(shape, device="meta"))
        except (RuntimeError, ValueError, TypeError, AssertionError, IndexError, KeyError) as error:
            where = running[-1] or "the model itself"
            first_line = str(error).partition("\n")[0][:200]
            raise InvalidRequest(
                f"without {_quoted(removed)} the input of {where!r} is not what it takes: "
                f"{first_line}; "
                "only modules whose output has the shape of their input can be left out"
            ) from error


@contextmanager
def _told(module: nn.Module, running: list[str]) -> Iterator[None]:
    """Keep in `running` the paths of the modules that are in their forward, innermost last."""
    handles = []
    for path, layer in module.named_modules():
        handles += [
            layer.register_forward_pre_hook(lambda *_, path=path: running.append(path)),
            layer.register_forward_hook(lambda *_: running.__delitem__(-1)),
        ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
