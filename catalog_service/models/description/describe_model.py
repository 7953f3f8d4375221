"""A recipe's model described: modules, parts, feature maps, multiply-adds and training memory."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from catalog_service.models.anatomy import anatomy
from catalog_service.models.describe import layout_of
from catalog_service.models.description.drivers import driver_of
from catalog_service.models.description.feature_maps import feature_maps
from catalog_service.models.description.module_tree import module_tree
from catalog_service.models.description.parts import part_summaries
from catalog_service.models.description.trace import trace
from catalog_service.models.description.training_memory import (
    memory_estimate,
    saved_bytes,
    set_modes,
)
from catalog_service.models.freeze_plan import freeze_plan
from catalog_service.models.model_description import DescriptionOrder, ModelDescription
from catalog_service.models.plain_json import JsonObject
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import skeleton

COUNTED = (
    "multiply-adds are those of convolutions, matrix products and attention in evaluation; "
    "norms, activations, pooling and interpolation are not counted"
)
"""Source: torch.utils.flop_counter's registry, as in the figures that torchvision publishes."""


def model_description_order(arguments: Mapping[str, Any]) -> JsonObject:
    """Return the description of an order: both as plain JSON, for the worker's table."""
    return model_description(DescriptionOrder.from_json(arguments)).to_json()


def model_description(order: DescriptionOrder) -> ModelDescription:
    """Return everything that can be known about a recipe's model without numbers.

    Raises:
        InvalidRequest: the freeze mode means nothing for this model.
    """
    # 1. Which tensors are there, and which train?
    model = skeleton(order.recipe)
    layout = layout_of(model, order.recipe)
    plan = freeze_plan(layout, order.freeze_mode)

    # 2. What does a forward do?
    image, driver, parts = _image(order), driver_of(model), anatomy(order.recipe)
    seen = trace(model.eval(), driver, image)
    modules = module_tree(model, seen, parts, frozenset(plan.trainable))

    # 3. What does a backward need?
    set_modes(model, plan)
    kept = saved_bytes(model, driver, image, order.activation_dtype)

    return ModelDescription(
        layout=layout,
        modules=modules,
        feature_maps=feature_maps(order.recipe, order.num_channels, driver.seen_px(model, image)),
        parts=part_summaries(parts, plan, modules),
        freeze_mode=plan.mode,
        num_parameters=layout.num_parameters,
        num_trainable_parameters=plan.num_trainable_parameters,
        num_frozen_parameters=plan.num_frozen_parameters,
        num_multiply_adds=seen.num_multiply_adds,
        training_memory=memory_estimate(
            layout, plan, order, kept=kept, largest_call=seen.largest_call
        ),
        assumptions=(COUNTED, *driver.assumptions(model, image)),
    )


def activation_bytes(
    recipe: Recipe, height_px: int, width_px: int, *, num_channels: int = 3, num_frames: int = 0
) -> int:
    """Return what a training of everything keeps of one image in float32, for the index."""
    order = DescriptionOrder(
        recipe=recipe,
        height_px=height_px,
        width_px=width_px,
        num_channels=num_channels,
        num_frames=num_frames,
    )
    model = skeleton(recipe)
    set_modes(model, freeze_plan(layout_of(model, recipe), order.freeze_mode))
    return saved_bytes(model, driver_of(model), _image(order), order.activation_dtype)


def _image(order: DescriptionOrder) -> Tensor:
    """Return one image without numbers: [1, C, H, W], or [1, C, T, H, W] of a clip."""
    frames = (order.num_frames,) if order.num_frames else ()
    shape = (1, order.num_channels, *frames, order.height_px, order.width_px)
    return torch.empty(shape, device="meta")
