"""Which image sizes a model takes, from its family's measured rule, and the legal ones near a size.

No torch. The rules are in the family files; the tests measure them.
"""

from dataclasses import dataclass

from catalog_service.models.contracts import SizeLimits
from catalog_service.models.families.family import SizeRule

NUM_NEAREST = 3
"""How many legal sizes are named."""

MAX_LEGAL_PX = 8192
"""The largest side that is named as legal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What an architecture takes by itself, before a size is asked for.

    Attributes:
        multiple_of_px: of a side; where `is_fixed`, of the sides that the model can be built for,
            or 1 where it can be built for one size only.
        built_px: height and width that a fixed model is built for; empty where any size runs.
    """

    min_px: int
    min_training_px: int
    multiple_of_px: int
    crops_border: bool
    built_px: tuple[int, ...]
    single_px: int
    training_batch: int
    is_square: bool = False

    @property
    def is_fixed(self) -> bool:
        """Return whether only `built_px` runs."""
        return bool(self.built_px)

    @property
    def can_be_rebuilt(self) -> bool:
        """Return whether a spec may ask for another fixed size."""
        return self.is_fixed and self.multiple_of_px > 1

    def min_batch(self, height_px: int, width_px: int) -> int:
        """Return the smallest batch that trains at a size."""
        return 2 if max(height_px, width_px) <= self.single_px else self.training_batch

    def limits(self, height_px: int, width_px: int) -> SizeLimits:
        """Return the contract's limits, the batch for images of this size."""
        return SizeLimits(
            min_px=self.min_px,
            min_training_px=self.min_training_px,
            multiple_of_px=self.multiple_of_px,
            crops_border=self.crops_border,
            is_fixed=self.is_fixed,
            min_training_batch=self.min_batch(height_px, width_px),
        )

    def nearest(
        self, height_px: int, width_px: int, *, is_training: bool = False
    ) -> tuple[tuple[int, int], ...]:
        """Return the legal sizes that are nearest to one, nearest first, itself if it is legal.

        For a fixed size that cannot be asked for otherwise it is the only one.
        """
        if self.is_fixed and not self.can_be_rebuilt:
            return ((self.built_px[0], self.built_px[1]),)
        least = self.min_training_px if is_training else self.min_px
        heights, widths = (self._sides(side, least) for side in (height_px, width_px))
        pairs = {
            (height, width)
            for height in heights | widths
            for width in heights | widths
            if (height == width if self.is_square else height in heights and width in widths)
        }

        def distance(pair: tuple[int, int]) -> tuple[int, int, int]:
            return abs(pair[0] - height_px) + abs(pair[1] - width_px), *pair

        return tuple(sorted(pairs, key=distance)[:NUM_NEAREST])

    def _sides(self, side: int, least: int) -> set[int]:
        """Return the legal sides around one: the multiples below and above."""
        step = self.multiple_of_px
        low, high = side // step * step, -(-side // step) * step
        first, last = -(-least // step) * step, MAX_LEGAL_PX // step * step
        return {min(max(each, first), last) for each in (low, high)}


ANY_SIZE = Sizes(
    min_px=1,
    min_training_px=1,
    multiple_of_px=1,
    crops_border=False,
    built_px=(),
    single_px=0,
    training_batch=1,
)
"""Of models that resize images by themselves."""


def sizes_of(
    rule: SizeRule,
    architecture_id: str,
    built_px: tuple[int, int],
    *,
    keeps_aux: bool = False,
    training_batch: int = 1,
) -> Sizes:
    """Return what a rule says about one architecture.

    Args:
        built_px: height and width that a fixed size is built for.
        keeps_aux: whether auxiliary heads are there in training.
        training_batch: what a head of ours needs.
    """
    minimum = rule.minimums_px.get(architecture_id, rule.minimum_px)
    with_aux = rule.aux_training_px if keeps_aux else 0
    return Sizes(
        min_px=minimum,
        min_training_px=max(minimum, rule.training_px, with_aux),
        multiple_of_px=rule.multiples_px.get(architecture_id, rule.multiple_of_px),
        crops_border=rule.crops_border,
        built_px=built_px if rule.is_fixed else (),
        single_px=max(
            rule.singles_px.get(architecture_id, rule.single_px),
            rule.aux_single_px if keeps_aux else 0,
        ),
        training_batch=max(rule.training_batch, training_batch),
        is_square=rule.is_square,
    )
