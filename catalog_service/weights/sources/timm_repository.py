"""timm's repositories on the hub, from the configuration that timm writes. Pure.

Source: timm/models/_hub.py, `save_config_for_hf`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from catalog_service.errors import Precondition, listed
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.models.contracts import InputContract
from catalog_service.weights.sources.repository import Repository

SAME_NAMES = (
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "wide_resnet50_2",
    "wide_resnet101_2",
)
"""Architectures of ours whose tensors timm calls and shapes as torchvision does; a test compares
every name, and outputs."""

TIMM_ARCHITECTURES: Mapping[str, str] = {name: name for name in SAME_NAMES}
"""timm's architecture -> ours."""

NEUTRAL_ARGUMENTS: Mapping[str, tuple[Any, ...]] = {
    "in_chans": (3,),
    "global_pool": ("avg",),
    "drop_rate": (0, 0.0),
    "drop_path_rate": (0, 0.0),
}
"""`model_args` that change nothing, with the values that do not."""

HEAD_ARGUMENT = "num_classes"

IMAGENET_TAG = "in1k"
"""How tags of weights for ImageNet-1K's 1000 classes end; timm and torchvision sort them alike."""

CENTRE = "center"


def timm_entry(
    repository: Repository, config: Mapping[str, Any], index: CatalogIndex
) -> WeightEntry:
    """Return the entry of a timm repository whose architecture is one of `TIMM_ARCHITECTURES`.

    Raises:
        Precondition: it was built with arguments that change its structure, or has no head.
    """
    like = index.default_weight(TIMM_ARCHITECTURES[str(config["architecture"])])
    published = config.get("pretrained_cfg")
    published = published if isinstance(published, Mapping) else {}
    num_classes = config.get(HEAD_ARGUMENT, published.get(HEAD_ARGUMENT))
    _check(config, num_classes)
    assert isinstance(num_classes, int)
    is_imagenet = str(published.get("tag", "")).endswith(IMAGENET_TAG)
    categories = like.categories if is_imagenet and num_classes == len(like.categories) else ()
    return replace(
        like,
        reference=repository.reference,
        is_default=False,
        url=repository.url(),
        file_name=repository.file_name,
        sha256_prefix="",
        size_bytes=0,
        categories=categories or _names(config, num_classes),
        metrics=(),
        recipe_url=repository.page,
        licence=str(published.get("license") or "unknown")[:200],
        description=f"{repository.repository} of the hub, trained with timm.",
        preprocessing=preprocessing(published, like.preprocessing),
        transform={"kind": "timm", **{key: published[key] for key in _SHOWN if key in published}},
        arguments=(
            like.arguments
            if num_classes == len(like.categories)
            else {**like.arguments, HEAD_ARGUMENT: num_classes}
        ),
    )


_SHOWN = ("input_size", "crop_pct", "crop_mode", "interpolation", "mean", "std")


def _check(config: Mapping[str, Any], num_classes: object) -> None:
    arguments = config.get("model_args")
    arguments = arguments if isinstance(arguments, Mapping) else {}
    wrong = [
        f"{str(name)[:40]}={value!r:.40}"
        for name, value in arguments.items()
        if name != HEAD_ARGUMENT and value not in NEUTRAL_ARGUMENTS.get(name, ())
    ]
    if wrong:
        raise Precondition(f"it was built with {listed(wrong)}, which changes its structure")
    if type(num_classes) is not int or not 0 < num_classes < 10**6:
        raise Precondition(f"its config.json says num_classes {num_classes!r:.40}: no head")


def _names(config: Mapping[str, Any], num_classes: int) -> tuple[str, ...]:
    """Return the file's own names of its classes; without them their numbers."""
    names = config.get("label_names")
    if isinstance(names, list) and len(names) == num_classes:
        return tuple(str(name)[:200] for name in names)
    return tuple(f"class {number}" for number in range(num_classes))


def preprocessing(published: Mapping[str, Any], like: InputContract) -> InputContract:
    """Return how images get in. `crop_pct` of the shorter side is kept, from the middle.

    Source: timm/data/transforms_factory.py, `transforms_imagenet_eval`.
    """
    size, mean, std = (published.get(key) for key in ("input_size", "mean", "std"))
    if not (_are_numbers(size) and _are_numbers(mean) and _are_numbers(std)):
        return like
    assert isinstance(size, list) and isinstance(mean, list) and isinstance(std, list)
    height, width = int(size[1]), int(size[2])
    share = published.get("crop_pct") or 1.0
    is_centre = published.get("crop_mode", CENTRE) == CENTRE and isinstance(share, int | float)
    return replace(
        like,
        height_px=height,
        width_px=width,
        resize_shorter_side_px=int(min(height, width) / share) if is_centre and share > 0 else 0,
        interpolation="bicubic" if published.get("interpolation") == "bicubic" else "bilinear",
        mean=tuple(mean),
        std=tuple(std),
    )


def _are_numbers(values: object) -> bool:
    return (
        isinstance(values, list)
        and len(values) == 3
        and all(type(value) in (int, float) and 0 <= value < 10**5 for value in values)
    )
