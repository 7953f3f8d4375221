"""timm's conversions of DINOv3 on the hub, which nobody has to ask for. Pure.

They have timm's names: fused projections, no mask token, and no biases where those were 0.

Source: timm/models/eva.py and timm/models/convnext.py, `*dinov3*`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from catalog_service.errors import Precondition, listed
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.index.layouts import published_layouts
from catalog_service.models.layout import StateLayout
from catalog_service.models.published_dinov3 import LICENCE
from catalog_service.weights.sources.repository import Repository
from catalog_service.weights.sources.timm_repository import preprocessing

KIND = "timm-dinov3"
"""Of the transform, in the entries of these repositories."""

_VITS = {
    "vit_small": "dinov3_vits16",
    "vit_small_plus": "dinov3_vits16plus",
    "vit_base": "dinov3_vitb16",
    "vit_large": "dinov3_vitl16",
    "vit_huge_plus": "dinov3_vith16plus",
    "vit_7b": "dinov3_vit7b16",
}

VITS: Mapping[str, str] = {
    f"{theirs}_patch16_dinov3{ending}": ours
    for theirs, ours in _VITS.items()
    for ending in ("", "_qkvb")
    if (theirs, ending) != ("vit_7b", "_qkvb")
}
"""timm's architecture -> ours. The 7B model has no such biases."""

CONVNEXTS: Mapping[str, str] = {
    f"convnext_{size}": f"dinov3_convnext_{size}" for size in ("tiny", "small", "base", "large")
}
"""The same where the tag says that the weights are DINOv3's: timm has one architecture for all."""

TAG = "dinov3_"

NEUTRAL_ARGUMENTS: Mapping[str, tuple[Any, ...]] = {
    "in_chans": (3,),
    "num_classes": (0,),
    "global_pool": ("avg", "token", ""),
}
"""`model_args` that change no tensor, with the values that do not."""

FREE_ARGUMENTS = ("img_size", "dynamic_img_size")
"""Positions are computed, so these change no tensor."""


def is_timm_dinov3(config: Mapping[str, Any]) -> bool:
    """Return whether a timm repository has DINOv3's structure."""
    name = config.get("architecture")
    return isinstance(name, str) and (name in VITS or (name in CONVNEXTS and _is_tagged(config)))


def timm_dinov3_entry(
    repository: Repository, config: Mapping[str, Any], index: CatalogIndex
) -> WeightEntry:
    """Return the entry of such a repository.

    Raises:
        Precondition: it was built with arguments that change its structure.
    """
    _check(config)
    published = _published(config)
    like = index.default_weight({**VITS, **CONVNEXTS}[str(config["architecture"])])
    return replace(
        like,
        reference=repository.reference,
        is_default=False,
        is_gated=False,
        url=repository.url(),
        file_name=repository.file_name,
        metrics=(),
        recipe_url=repository.page,
        licence=LICENCE,  # whatever else the repository says: it holds for what is derived
        description=f"{repository.repository} of the hub: a backbone in timm's names.",
        preprocessing=preprocessing(published, like.preprocessing),
        transform={"kind": KIND},
    )


def foreign_layout(weight: WeightEntry) -> StateLayout | None:
    """Return what the names in a weight's file are read with; None where they are our own."""
    if weight.transform.get("kind") != KIND:
        return None
    return next(
        each.layout
        for each in published_layouts()
        if each.architecture_id == weight.architecture_id and each.arguments == weight.arguments
    )


def _check(config: Mapping[str, Any]) -> None:
    given = config.get("model_args")
    given = given if isinstance(given, Mapping) else {}
    wrong = [
        f"{str(name)[:40]}={value!r:.40}"
        for name, value in {**given, "num_classes": config.get("num_classes", 0)}.items()
        if name not in FREE_ARGUMENTS and value not in NEUTRAL_ARGUMENTS.get(name, ())
    ]
    if wrong:
        raise Precondition(f"it was built with {listed(wrong)}, which changes its structure")


def _is_tagged(config: Mapping[str, Any]) -> bool:
    return str(_published(config).get("tag", "")).startswith(TAG)


def _published(config: Mapping[str, Any]) -> Mapping[str, Any]:
    published = config.get("pretrained_cfg")
    return published if isinstance(published, Mapping) else {}
