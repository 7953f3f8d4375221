"""How images become the input of a model: the weight's preprocessing, changed as a spec asks.

No torch. Size and channels are checked here, before anything is built.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from catalog_service.errors import Violation, invalid
from catalog_service.index.entries import WeightEntry
from catalog_service.index.size_limits import ANY_SIZE, Sizes, sizes_of
from catalog_service.models.channels import adapted_statistics
from catalog_service.models.contracts import InputContract
from catalog_service.models.families.family import SizeRule
from catalog_service.models.families.table import family_of

SEGMENTATION_PX = 520
"""The shorter side of images for our segmentation heads. Source: torchvision's own weights."""

DETECTION_PX = (800, 1333)
"""Shorter and longer side of images for our detection heads. Source: torchvision's detectors."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

INCEPTION_MEAN = (0.5, 0.5, 0.5)
INCEPTION_STD = (0.5, 0.5, 0.5)
"""What `transform_input` makes of ImageNet's statistics: values from -1 to 1. Source: torchvision's
GoogLeNet and Inception3, `_transform_input`.
"""

TRANSFORM_INPUT = "transform_input"
"""The argument of builders whose model changes the statistics of red, green and blue by itself."""


Use = Literal["images", "segmentation", "detection"]
"""As the architecture takes images, or as one of our dense heads does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputWish:
    """What is asked of the input; zeros and empty ones mean as published."""

    height_px: int = 0
    width_px: int = 0
    in_channels: int = 0
    adaptation: str = "repeat"
    mean: tuple[float, ...] = ()
    """Of the numbers that the model starts from, where they are not the weight's own."""

    std: tuple[float, ...] = ()
    use: Use = "images"
    """How a composed head takes images; `images`: as the architecture does."""

    keeps_aux: bool = False
    training_batch: int = 1
    """The smallest that the head trains with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedInput:
    """A contract, what the model can take besides, and what the builder must know of it."""

    contract: InputContract
    sizes: Sizes
    arguments: Mapping[str, Any]
    """Builder arguments that follow from size and channels."""


def input_contract(weight: WeightEntry, wish: InputWish | None = None) -> InputContract:
    """Return how images become the input of a weight's architecture.

    Raises:
        InvalidRequest: as `planned_input`.
    """
    return planned_input(weight, wish or InputWish()).contract


def planned_input(weight: WeightEntry, wish: InputWish) -> PlannedInput:
    """Return the input of a weight's architecture as it is asked for.

    Raises:
        InvalidRequest: it cannot take that size or that number of channels; says what it can.
    """
    published = _for_use(weight, wish.use)
    sizes = _sizes(weight, published, wish)
    violations = [*_size_problems(weight, published, sizes, wish), *_channel_problems(weight, wish)]
    if violations:
        raise invalid(violations)
    sized = _sized(published, wish)
    contract = _with_channels(weight, sized, wish)
    if sizes.is_fixed:
        sizes = replace(sizes, built_px=(contract.height_px, contract.width_px))
    contract = replace(contract, sizes=sizes.limits(contract.height_px, contract.width_px))
    return PlannedInput(
        contract=contract, sizes=sizes, arguments=_arguments(weight, published, contract, wish)
    )


def _for_use(weight: WeightEntry, use: str) -> InputContract:
    """Return the published preprocessing, as a head of ours for dense tasks takes images."""
    published = weight.preprocessing
    assert published is not None, f"{weight.reference} has no preprocessing"
    if use == "images" or published.is_image_list:
        return published
    rule = family_of(weight.architecture_id).size
    if rule.is_fixed:
        plain = replace(published, resize_shorter_side_px=0)
    elif use == "segmentation":
        side = SEGMENTATION_PX // rule.multiple_of_px * rule.multiple_of_px
        plain = replace(
            published,
            height_px=side,
            width_px=side,
            resize_shorter_side_px=side,
            keeps_whole_image=True,
        )
    else:
        shorter, longer = DETECTION_PX
        plain = replace(
            published,
            height_px=longer,
            width_px=longer,
            resize_shorter_side_px=shorter,
            max_longer_side_px=longer,
        )
    if use == "segmentation":
        return plain
    return replace(plain, is_image_list=True, interpolation="bilinear_aliased")


def _sizes(weight: WeightEntry, published: InputContract, wish: InputWish) -> Sizes:
    if published.is_image_list:
        return ANY_SIZE
    return sizes_of(
        family_of(weight.architecture_id).size,
        weight.architecture_id,
        (published.height_px, published.width_px),
        keeps_aux=wish.keeps_aux,
        training_batch=wish.training_batch,
    )


def _is_published_size(published: InputContract, wish: InputWish) -> bool:
    return (wish.height_px, wish.width_px) in ((0, 0), (published.height_px, published.width_px))


def _size_problems(
    weight: WeightEntry, published: InputContract, sizes: Sizes, wish: InputWish
) -> list[Violation]:
    if _is_published_size(published, wish):
        return []
    name, asked = weight.architecture_id, f"{wish.height_px}x{wish.width_px}"
    rule = family_of(name).size
    if published.is_image_list:
        if published.resize_shorter_side_px and not rule.is_fixed:
            return []
        if not _can_be_rebuilt(rule, name):
            reason = (
                f"{name} resizes every image to {published.height_px}x{published.width_px} itself; "
                "leave the size out"
            )
            return _wrong_size(asked, reason)
        sizes = sizes_of(rule, name, (published.height_px, published.width_px))
    pair = (wish.height_px, wish.width_px)
    if sizes.crops_border and min(pair) >= sizes.min_px:
        return []
    nearest = sizes.nearest(*pair)
    if pair in nearest:
        return []
    return _wrong_size(asked, _reason(weight, sizes, nearest))


def _can_be_rebuilt(rule: SizeRule, architecture_id: str) -> bool:
    return rule.is_fixed and rule.multiples_px.get(architecture_id, rule.multiple_of_px) > 1


def _reason(weight: WeightEntry, sizes: Sizes, nearest: tuple[tuple[int, int], ...]) -> str:
    name = weight.architecture_id
    if sizes.is_fixed and not sizes.can_be_rebuilt:
        height, width = sizes.built_px
        return f"{name} with {weight.reference} takes exactly {height}x{width}"
    rule = f"{name} takes images of at least {sizes.min_px}x{sizes.min_px}"
    if sizes.multiple_of_px > 1:
        rule += f" whose sides are multiples of {sizes.multiple_of_px}"
    if sizes.is_square:
        rule += ", height and width the same"
    return f"{rule}; nearest are {_pairs(nearest)}"


def _pairs(sizes: tuple[tuple[int, int], ...]) -> str:
    return ", ".join(f"{height}x{width}" for height, width in sizes)


def _wrong_size(asked: str, reason: str) -> list[Violation]:
    return [Violation(field="image_height_px", description=f"{asked} does not fit: {reason}")]


def _channel_problems(weight: WeightEntry, wish: InputWish) -> list[Violation]:
    assert weight.preprocessing is not None
    published = weight.preprocessing.num_channels
    family = family_of(weight.architecture_id)
    if wish.in_channels in (0, published) or family.stem_of(weight.architecture_id):
        return []
    why = f"{wish.in_channels} does not fit: {weight.architecture_id} takes {published} channels"
    return [Violation(field="in_channels", description=why)]


def _sized(published: InputContract, wish: InputWish) -> InputContract:
    """Return the contract for the asked size: both sides are resized, nothing is cropped."""
    if _is_published_size(published, wish):
        return published
    sized = replace(
        published,
        height_px=wish.height_px,
        width_px=wish.width_px,
        resize_shorter_side_px=0,
        resize_height_px=0,
        resize_width_px=0,
        keeps_whole_image=False,
    )
    if not published.is_image_list or not published.resize_shorter_side_px:
        return sized
    sides = (wish.height_px, wish.width_px)
    return replace(sized, resize_shorter_side_px=min(sides), max_longer_side_px=max(sides))


def _with_channels(weight: WeightEntry, sized: InputContract, wish: InputWish) -> InputContract:
    mean, std = wish.mean or sized.mean, wish.std or sized.std
    count = wish.in_channels or sized.num_channels
    if count == sized.num_channels:
        return replace(sized, mean=mean, std=std)
    names = tuple(f"channel{index}" for index in range(count))
    if len(mean) == count:  # of numbers that were trained with so many channels
        return replace(sized, num_channels=count, mean=mean, std=std, channel_names=names)
    if weight.arguments.get(TRANSFORM_INPUT):
        mean, std = _transformed(mean, std)
    return replace(
        sized,
        num_channels=count,
        mean=adapted_statistics(mean, count, wish.adaptation),
        std=adapted_statistics(std, count, wish.adaptation),
        channel_names=names,
    )


def _transformed(
    mean: tuple[float, ...], std: tuple[float, ...]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the statistics that give what `transform_input` gives, without it.

    It turns y = (x - mean) / std into a * y + b with a = s / 0.5 and b = (m - 0.5) / 0.5 of
    ImageNet's m and s: (x - (mean - b * std / a)) / (std / a).
    """
    scales = [s / half for s, half in zip(IMAGENET_STD, INCEPTION_STD, strict=True)]
    shifts = [
        (m - middle) / half
        for m, middle, half in zip(IMAGENET_MEAN, INCEPTION_MEAN, INCEPTION_STD, strict=True)
    ]
    rows = list(zip(mean, std, scales, shifts, strict=True))
    return tuple(m - b * s / a for m, s, a, b in rows), tuple(s / a for _, s, a, _ in rows)


def _arguments(
    weight: WeightEntry, published: InputContract, contract: InputContract, wish: InputWish
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    rule = family_of(weight.architecture_id).size
    if _can_be_rebuilt(rule, weight.architecture_id) and not _is_published_size(published, wish):
        found[rule.argument] = _side_or_sides(rule.argument, contract)
    if contract.num_channels != published.num_channels and weight.arguments.get(TRANSFORM_INPUT):
        found[TRANSFORM_INPUT] = False
    if not published.is_image_list or wish.use != "images":
        return found
    if (contract.mean, contract.std) != (published.mean, published.std):
        found |= {"image_mean": list(contract.mean), "image_std": list(contract.std)}
    if not _is_published_size(published, wish):
        found["min_size"] = contract.resize_shorter_side_px
        found["max_size"] = contract.max_longer_side_px
    return found


def _side_or_sides(argument: str, contract: InputContract) -> int | list[int]:
    """Return what the builder takes: ViT one number for a square, MaxViT always two."""
    sides = [contract.height_px, contract.width_px]
    is_square = sides[0] == sides[1]
    return sides[0] if is_square and argument == "image_size" else sides
