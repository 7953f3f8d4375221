"""How much memory a training needs: what the backward pass keeps, and what belongs to parameters.

The forward runs on the meta device in the modes of the freeze plan, so that what is frozen keeps
nothing. Imports torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from catalog_service.models.description.drivers import Driver
from catalog_service.models.description.fused_attention import fused_attention
from catalog_service.models.freeze_plan import FreezePlan
from catalog_service.models.layout import StateLayout
from catalog_service.models.model_description import (
    ACTIVATION_BYTES,
    OPTIMIZER_STATES,
    PARAMETER_BYTES,
    DescriptionOrder,
    MemoryEstimate,
)

BATCH_SIZE = 2
"""Images of the measured forward: batch norm wants more than one number per channel."""

ELEMENT_BYTES: Mapping[str, int] = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I64": 8, "U8": 1}
"""Dtype of a layout's tensor -> bytes of one number."""


@dataclass(slots=True)
class _Kept:
    """What autograd keeps: each storage once, held so that its address is not used again."""

    ignored: frozenset[int]
    tensors: dict[int, Tensor] = field(default_factory=dict)

    def keep(self, tensor: Tensor) -> Tensor:
        """Take note of a tensor that autograd saves."""
        address = _address(tensor)
        if address not in self.ignored:
            self.tensors.setdefault(address, tensor)
        return tensor

    def num_bytes(self, activation_dtype: str) -> int:
        """Return their size, floating-point numbers in another dtype."""
        return sum(_storage_bytes(each, activation_dtype) for each in self.tensors.values())


def set_modes(model: nn.Module, plan: FreezePlan) -> None:
    """Set `requires_grad`, training and evaluation modes as a training under `plan` has them."""
    trainable = frozenset(plan.trainable)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in trainable)
    model.eval()
    modules = dict(model.named_modules())
    for path in plan.train_modules:
        if path in modules:  # RAFT's small variant has no mask_predictor
            modules[path].train()
    for path in plan.frozen_norms:
        modules[path].eval()


def saved_bytes(model: nn.Module, driver: Driver, image: Tensor, dtype: str) -> int:
    """Return the bytes that autograd keeps of one image between forward and backward.

    Args:
        model: on the meta device, in the modes of `set_modes`.
        image: [1, C, H, W] or [1, C, T, H, W] on the meta device.
        dtype: of the activations; indices and masks keep their own.
    """
    kept = _Kept(frozenset(_address(each) for each in model.state_dict(keep_vars=True).values()))
    images = image.new_empty((BATCH_SIZE, *image.shape[1:]))
    with torch.enable_grad(), fused_attention(), saved_tensors_hooks(kept.keep, _same):
        driver.run(model, images)
    return kept.num_bytes(dtype) // BATCH_SIZE


def memory_estimate(
    layout: StateLayout, plan: FreezePlan, order: DescriptionOrder, *, kept: int, largest_call: int
) -> MemoryEstimate:
    """Return the whole estimate.

    Args:
        kept: `saved_bytes` of one image.
        largest_call: numbers that one layer takes and gives, of one image.
    """
    trained = plan.num_trainable_parameters * PARAMETER_BYTES
    states = OPTIMIZER_STATES[order.optimizer]
    return MemoryEstimate(
        parameter_bytes=sum(t.num_elements * ELEMENT_BYTES[t.dtype] for t in layout.tensors),
        gradient_bytes=trained,
        optimizer_bytes=trained * states,
        activation_bytes_per_image=kept,
        transient_bytes_per_image=largest_call * ACTIVATION_BYTES[order.activation_dtype],
        batch_size=order.batch_size,
        basis=(
            f"float32 parameters and gradients, {states} numbers of {order.optimizer} for each "
            "trained one, the tensors that autograd keeps for the backward pass under "
            f"{plan.mode}, and the largest input and output of one layer, measured without numbers "
            "and with fused attention; workspaces of the kernels, the loss and the allocator's "
            "reserve come on top"
        ),
    )


def _address(tensor: Tensor) -> int:
    address: int = tensor.untyped_storage()._cdata
    return address


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _storage_bytes(tensor: Tensor, activation_dtype: str) -> int:
    num_bytes = tensor.untyped_storage().nbytes()
    if not tensor.is_floating_point():
        return num_bytes
    return num_bytes // tensor.element_size() * ACTIVATION_BYTES[activation_dtype]
