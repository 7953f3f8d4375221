"""Carries out a rewrite of a file's tensors; refuses what would change the model. Imports torch.

What a rewrite leaves out is looked at first: a key bias that is not 0, rotary periods of another
base or a second norm that is no copy belong to a model that computes something else.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from catalog_service.models.fitting import State
from catalog_service.models.layout import StateLayout
from catalog_service.models.recipe import Recipe
from catalog_service.models.rewrite import Cut, Join, Rewrite
from catalog_service.models.state_mismatch import StateMismatch

ROTARY_BASE = 100.0
"""Longest period / shortest. Source: Siméoni et al. 2025, arXiv:2508.10104; `rope_theta`."""

BF16_STEP = 2.0**-8
"""The periods were published in bfloat16: half a step of its 8 bits, relative."""


def rewritten(state: State, rewrite: Rewrite, recipe: Recipe, layout: StateLayout) -> State:
    """Return the tensors under the names and in the shapes of a layout.

    Parts are views, what is joined is a copy. What does not fit in size stays as it is: the fit
    names it.

    Raises:
        StateMismatch: something to be left out is not what the model computes by itself.
    """
    found = dict(state)
    for cut in rewrite.cuts:
        _cut(found, cut)
    for join in rewrite.joins:
        _join(found, join)
    shapes = {tensor.name: tensor.shape for tensor in layout.tensors}
    for name in rewrite.reshaped:
        if found[name].numel() == torch.Size(shapes[name]).numel():
            found[name] = found[name].reshape(shapes[name])
    for copy, original in rewrite.copies.items():
        _drop_copy(found, copy, original)
    if rewrite.rotary_periods:
        _drop_periods(found, rewrite.rotary_periods, recipe.arguments)
    return found


def _cut(found: dict[str, Tensor], cut: Cut) -> None:
    whole = found[cut.source]
    if not whole.dim() or whole.shape[0] % len(cut.parts):
        return
    parts = dict(zip(cut.parts, whole.chunk(len(cut.parts)), strict=True))
    is_masked = bool(cut.mask) and _is_masked(found.pop(cut.mask), cut)
    if "" in parts and not is_masked and parts[""].any():
        raise StateMismatch(
            f"{cut.source}: part {cut.parts.index('') + 1} of {len(cut.parts)} is not 0; "
            "the architecture has no such bias"
        )
    del found[cut.source]
    found.update({name: part for name, part in parts.items() if name})


def _join(found: dict[str, Tensor], join: Join) -> None:
    if len({tuple(found[part].shape) for part in join.parts}) == 1:
        found[join.name] = torch.cat([found.pop(part) for part in join.parts])


def _is_masked(mask: Tensor, cut: Cut) -> bool:
    """Return True: the mask has the form that the architecture has built in."""
    wanted = torch.tensor([float(bool(name)) for name in cut.parts])
    rows = mask.float().chunk(len(cut.parts))
    if len(rows) != len(wanted) or any(
        (row != one).any() for row, one in zip(rows, wanted, strict=True)
    ):
        raise StateMismatch(
            f"{cut.mask}: is not {wanted.int().tolist()} over {len(wanted)} equal parts; "
            "the architecture has that mask built in"
        )
    return True


def _drop_copy(found: dict[str, Tensor], copy: str, original: str) -> None:
    if original in found and not torch.equal(found[copy], found[original]):
        raise StateMismatch(f"{copy} is not equal to {original}; the architecture has one of them")
    del found[copy]


def _drop_periods(found: dict[str, Tensor], name: str, arguments: Mapping[str, object]) -> None:
    """Drop the periods of rotary positions if they are base^(i / n), i = 0 ... n - 1.

    Source: Su et al. 2021, arXiv:2104.09864, here one direction after the other: n is a quarter of
    a head's width.
    """
    periods = found.pop(name).float()
    width, heads = arguments["hidden_size"], arguments["num_attention_heads"]
    assert isinstance(width, int), width
    assert isinstance(heads, int), heads
    num_periods = width // heads // 4
    wanted = ROTARY_BASE ** (torch.arange(num_periods) / num_periods)
    if periods.shape != wanted.shape or not torch.allclose(periods, wanted, BF16_STEP, 0.0):
        raise StateMismatch(
            f"{name}: {list(periods.shape)} periods up to {periods.max().item():.4g}; the "
            f"architecture has [{num_periods}] up to {wanted.max().item():.4g}: {heads} heads, "
            f"base {ROTARY_BASE:.0f}"
        )
