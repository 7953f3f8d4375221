"""Which image size a model gets, from the spec, the weight and the family's rule."""

from catalog_service.errors import Violation, invalid
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.models.contracts import InputContract
from catalog_service.models.families.family import SizeRule
from catalog_service.models.families.table import family_of


def input_contract(
    index: CatalogIndex,
    architecture: str,
    weight: WeightEntry | None = None,
    *,
    height_px: int = 0,
    width_px: int = 0,
) -> InputContract:
    """Return how images become the input of an architecture.

    Args:
        weight: whose preprocessing applies; None stands for the architecture's default weights.
        height_px, width_px: 0 means the size that the weights were evaluated at, with their resize
            and crop; another size means that both sides are resized to it and nothing is cropped.

    Raises:
        InvalidRequest: the architecture cannot take that size; says which it can.
    """
    source = weight or index.default_weight(architecture)
    published = source.preprocessing
    assert published is not None, f"{architecture} is not a classification model"
    if (height_px, width_px) in ((0, 0), (published.height_px, published.width_px)):
        return published
    _check_size(source, published, height_px, width_px)
    return InputContract(
        height_px=height_px,
        width_px=width_px,
        interpolation=published.interpolation,
        mean=published.mean,
        std=published.std,
    )


def minimum_px(weight: WeightEntry) -> int:
    """Return the smallest side that runs: what the publisher says or our rule, if that is lower.

    Source: measured with torchvision 0.29.2; its metadata are too high for Swin and EfficientNetV2.
    """
    rule = family_of(weight.architecture_id).size
    return min(rule.minimum_px, weight.min_image_height_px, weight.min_image_width_px)


def _check_size(
    weight: WeightEntry, published: InputContract, height_px: int, width_px: int
) -> None:
    rule = family_of(weight.architecture_id).size
    if rule.is_fixed:
        raise invalid(_wrong_size(_fixed_reason(weight, rule, published), height_px, width_px))
    smallest = minimum_px(weight)
    if min(height_px, width_px) < smallest:
        reason = f"{weight.architecture_id} takes images of at least {smallest}x{smallest}"
        raise invalid(_wrong_size(reason, height_px, width_px))


def _fixed_reason(weight: WeightEntry, rule: SizeRule, published: InputContract) -> str:
    size = weight.arguments.get(rule.argument, rule.default_px)
    assert size in (published.height_px, [published.height_px, published.width_px])
    return (
        f"{weight.architecture_id} with {weight.reference} takes exactly "
        f"{published.height_px}x{published.width_px}"
    )


def _wrong_size(reason: str, height_px: int, width_px: int) -> list[Violation]:
    description = f"{height_px}x{width_px} does not fit: {reason}"
    return [Violation(field="image_height_px", description=description)]
