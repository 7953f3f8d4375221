"""What becomes of images of a size in a model, in evaluation and in training. Pure, no torch.

Answers from the measured size rules: nothing is built.
"""

from dataclasses import dataclass
from enum import Enum

from catalog_service.errors import Violation, invalid
from catalog_service.index.size_limits import Sizes
from catalog_service.models.contracts import SizeLimits
from catalog_service.models.spec_check import MAX_CHANNELS, MAX_IMAGE_PX
from catalog_service.resolve.build_plan import BuildPlan

MAX_BATCH = 1_000_000
"""Larger batches than this are taken for a mistake."""


class VerdictKind(Enum):
    """Whether a size runs, from best to worst."""

    OK = "ok"
    WILL_CROP = "will_crop"
    NEEDS_INTERPOLATION = "needs_interpolation"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenInput:
    """What a model is given; 0 channels mean its own, batch 0 means 1, and 2 in training."""

    height_px: int
    width_px: int
    num_channels: int = 0
    batch_size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InputVerdict:
    """What becomes of it in one mode.

    Attributes:
        nearest: legal sizes, height and width, nearest first; empty where the size is legal.
        seen_height_px, seen_width_px: what is left after the border was cropped; 0 where it does
            not run.
    """

    kind: VerdictKind
    reasons: tuple[str, ...] = ()
    nearest: tuple[tuple[int, int], ...] = ()
    seen_height_px: int = 0
    seen_width_px: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InputCheck:
    """The verdicts of both modes."""

    evaluation: InputVerdict
    training: InputVerdict
    sizes: SizeLimits


def check_input(plan: BuildPlan, given: GivenInput) -> InputCheck:
    """Return what becomes of an input in a planned model."""
    return InputCheck(
        evaluation=_verdict(plan, given, is_training=False),
        training=_verdict(plan, given, is_training=True),
        sizes=plan.input.sizes,
    )


def require_sane(given: GivenInput) -> None:
    """Raise `InvalidRequest` for a size, channels or a batch that no model takes."""
    ranges = {
        "height_px": (given.height_px, 1, MAX_IMAGE_PX),
        "width_px": (given.width_px, 1, MAX_IMAGE_PX),
        "num_channels": (given.num_channels, 0, MAX_CHANNELS),
        "batch_size": (given.batch_size, 0, MAX_BATCH),
    }
    violations = [
        Violation(field=name, description=f"{value} is not between {least} and {most}")
        for name, (value, least, most) in ranges.items()
        if not least <= value <= most
    ]
    if violations:
        raise invalid(violations)


def _verdict(plan: BuildPlan, given: GivenInput, *, is_training: bool) -> InputVerdict:
    sizes, pair = plan.sizes, (given.height_px, given.width_px)
    problems = [*_channel_problems(plan, given)]
    if is_training:
        problems += _batch_problems(sizes, given)
    kind, reason = _size_verdict(plan, pair, is_training=is_training)
    reasons = (*([reason] if reason else []), *problems)
    nearest = _nearest(sizes, pair, kind, is_training=is_training)
    if problems:
        kind = VerdictKind.ERROR
    runs = kind in (VerdictKind.OK, VerdictKind.WILL_CROP)
    step = sizes.multiple_of_px if sizes.crops_border else 1
    seen = tuple(side // step * step for side in pair) if runs else (0, 0)
    return InputVerdict(
        kind=kind,
        reasons=reasons,
        nearest=nearest,
        seen_height_px=seen[0],
        seen_width_px=seen[1],
    )


def _size_verdict(
    plan: BuildPlan, pair: tuple[int, int], *, is_training: bool
) -> tuple[VerdictKind, str]:
    """Return the verdict on height and width alone, with its reason."""
    sizes, name, asked = plan.sizes, plan.recipe.architecture_id, _text(pair)
    least = sizes.min_training_px if is_training else sizes.min_px
    if sizes.is_fixed:
        return _fixed_verdict(sizes, name, pair)
    if min(pair) < least:
        mode = "trains from" if is_training and least > sizes.min_px else "runs from"
        return VerdictKind.ERROR, f"{asked} is too small: {name} {mode} {least}x{least}"
    if all(side % sizes.multiple_of_px == 0 for side in pair):
        return VerdictKind.OK, ""
    rule = f"{name} takes sides that are multiples of {sizes.multiple_of_px}"
    if not sizes.crops_border:
        return VerdictKind.ERROR, f"{asked} does not run: {rule}"
    seen = tuple(side // sizes.multiple_of_px * sizes.multiple_of_px for side in pair)
    why = f"of {asked} only {seen[0]}x{seen[1]} are seen: {rule} and leaves out the rest"
    return VerdictKind.WILL_CROP, why


def _fixed_verdict(sizes: Sizes, name: str, pair: tuple[int, int]) -> tuple[VerdictKind, str]:
    built = (sizes.built_px[0], sizes.built_px[1])
    if pair == built:
        return VerdictKind.OK, ""
    why = f"this {name} is built for {_text(built)}"
    if sizes.can_be_rebuilt and pair in sizes.nearest(*pair):
        wish = "ask for image_height_px and image_width_px in the spec; tables are then resized"
        return VerdictKind.NEEDS_INTERPOLATION, f"{why}; {wish}"
    rule = f", or for sides that are multiples of {sizes.multiple_of_px}"
    return VerdictKind.ERROR, why + (rule if sizes.can_be_rebuilt else "")


def _nearest(
    sizes: Sizes, pair: tuple[int, int], kind: VerdictKind, *, is_training: bool
) -> tuple[tuple[int, int], ...]:
    return () if kind is VerdictKind.OK else sizes.nearest(*pair, is_training=is_training)


def _channel_problems(plan: BuildPlan, given: GivenInput) -> list[str]:
    own = plan.input.num_channels
    if given.num_channels in (0, own):
        return []
    return [
        f"{given.num_channels} channels do not fit: this model takes {own}; in_channels in the "
        "spec gives it another first layer"
    ]


def _batch_problems(sizes: Sizes, given: GivenInput) -> list[str]:
    needed = sizes.min_batch(given.height_px, given.width_px)
    if (given.batch_size or needed) >= needed:
        return []
    return [
        f"a batch of {given.batch_size} does not train: at this size a batch norm sees one number "
        f"per channel of each image; it needs {needed}"
    ]


def _text(pair: tuple[int, int]) -> str:
    return f"{pair[0]}x{pair[1]}"
