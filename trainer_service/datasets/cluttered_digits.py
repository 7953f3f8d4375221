"""Handwritten digits between broken strokes, for segmentation: brightness does not tell which.

Which digits a scene has is known without scikit-learn; its pixels are drawn when it is opened.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from trainer_service.datasets import bundled_digits
from trainer_service.datasets.class_order import ordered_classes, output_of
from trainer_service.datasets.drawn_pictures import Dice, DrawnPictures, Pixels, texture
from trainer_service.datasets.painted_masks import BACKGROUND
from trainer_service.datasets.samples import Listing, Samples
from trainer_service.datasets.split import num_kept_for_validation, stratified_split
from trainer_service.datasets.truths import Flags, Labels, Masks, Truth
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid
from trainer_service.jobs import DatasetSpec

TASKS = ("segmentation", "multilabel", "simclr")

VALIDATION_WRITERS = 0.3
"""Share of the handwritings that only validation scenes have."""

INK = 0.35
"""From this much ink on a pixel belongs to the digit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How large digits and broken strokes are, and how near they come."""

    sizes: tuple[float, float]
    """Smallest and largest share of the side."""
    num_fragments: int
    """Broken strokes that are tried in a scene; those that would cover a digit are left out."""
    max_shared: float
    """Share of a digit's box that may lie on what a broken stroke was cut from."""
    clouds: float
    """How uneven the paper is, from 0 to 1."""


ALONE = Crowd(sizes=(0.55, 0.85), num_fragments=12, max_shared=0.4, clouds=0.1)
"""Scenes of one digit, which fills the scene: a fifth of all pixels."""
TOGETHER = Crowd(sizes=(0.34, 0.5), num_fragments=8, max_shared=0.25, clouds=0.35)
"""Scenes that have room for several."""

MAX_SHARED = 0.15
"""Share of a digit's box that may lie on another's."""
MAX_TRIES = 30

_STREAM = 0xD161
_HANDWRITING_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyph:
    """One digit, or what is left of one, in a scene."""

    digit: int
    member: float
    """Which handwriting of the digit, from 0 to 1."""
    left: int
    top: int
    size: int

    def shares(self, other: "Glyph") -> float:
        """Return the part of the smaller box that lies on the other."""
        wide = min(self.left + self.size, other.left + other.size) - max(self.left, other.left)
        high = min(self.top + self.size, other.top + other.size) - max(self.top, other.top)
        return max(wide, 0) * max(high, 0) / min(self.size, other.size) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ClutteredScenes:
    """All scenes of a seed and a split. The last digit lies on top."""

    seed: int
    side: int
    max_digits: int
    is_validation: bool
    outputs: tuple[int, ...] = tuple(range(1, 11))
    """Class index of each digit."""
    background: int = 0

    @property
    def crowd(self) -> Crowd:
        """Return how the scenes are filled."""
        return ALONE if self.max_digits == 1 else TOGETHER

    def digits(self, position: int) -> tuple[Glyph, ...]:
        """Return a scene's digits; at least one."""
        dice = self._dice(position, 0)
        glyphs: list[Glyph] = []
        for _ in range(1 + dice.below(self.max_digits)):
            for _ in range(MAX_TRIES):
                found = self._glyph(dice)
                if all(found.shares(other) <= MAX_SHARED for other in glyphs):
                    glyphs.append(found)
                    break
        return tuple(glyphs)

    def pixels(self, position: int) -> Pixels:
        """Return [side, side, 3]."""
        dice = self._dice(position, 1)
        paper = 0.25 + self.crowd.clouds * texture(dice, self.side, num_cells=5)
        digits = self.digits(position)
        for _ in range(self.crowd.num_fragments):
            fragment = self._glyph(dice)
            if all(fragment.shares(digit) <= self.crowd.max_shared for digit in digits):
                self._ink(paper, self._broken(fragment, dice), dice)
        for glyph in digits:
            self._ink(paper, self._stroke(glyph), dice)
        paper += 0.12 * (dice.uniform(self.side, self.side) - 0.5)
        tint = 0.85 + 0.15 * dice.uniform(3)
        return (paper[:, :, None] * tint * 255).clip(0, 255).round().astype(np.uint8)

    def mask(self, position: int) -> npt.NDArray[np.int32]:
        """Return [side, side]: class indices."""
        canvas = np.full((self.side, self.side), self.background, dtype=np.int32)
        for glyph in self.digits(position):
            canvas[self._stroke(glyph) >= INK] = self.outputs[glyph.digit]
        return canvas

    def word(self, position: int) -> str:
        """Return the digits in words."""
        return repr(self.digits(position))

    def _dice(self, position: int, purpose: int) -> Dice:
        return Dice(self.seed, _STREAM, int(self.is_validation), position, purpose)

    def _glyph(self, dice: Dice) -> Glyph:
        size = max(round(self.side * dice.between(*self.crowd.sizes)), 1)
        return Glyph(
            digit=dice.below(10),
            member=float(dice.uniform(1)[0]),
            size=size,
            left=dice.below(self.side - size + 1),
            top=dice.below(self.side - size + 1),
        )

    def _stroke(self, glyph: Glyph) -> npt.NDArray[np.float64]:
        """Return [side, side] from 0 to 1: where the ink of a glyph is."""
        from PIL import Image  # not for looking at a data set

        members = _handwritings(self.is_validation)[glyph.digit]
        drawn = Image.fromarray(members[int(glyph.member * len(members))])
        canvas = np.zeros((self.side, self.side))
        inside = np.s_[glyph.top : glyph.top + glyph.size, glyph.left : glyph.left + glyph.size]
        resized = drawn.resize((glyph.size, glyph.size), Image.Resampling.BICUBIC)
        canvas[inside] = np.asarray(resized) / 255
        return canvas

    def _broken(self, glyph: Glyph, dice: Dice) -> npt.NDArray[np.float64]:
        """Return a stroke of which a band is left: as bright and as thin, but no digit."""
        angle = dice.between(0, np.pi)
        y, x = np.mgrid[: self.side, : self.side] + 0.5
        centre_x, centre_y = glyph.left + glyph.size / 2, glyph.top + glyph.size / 2
        away = (x - centre_x) * np.cos(angle) + (y - centre_y) * np.sin(angle)
        reach = glyph.size * dice.between(0.05, 0.2)
        rest: npt.NDArray[np.float64] = self._stroke(glyph) * (away > reach)
        return rest

    def _ink(
        self, paper: npt.NDArray[np.float64], stroke: npt.NDArray[np.float64], dice: Dice
    ) -> None:
        """Lay a stroke on the paper, brighter than it by a random amount."""
        paper += stroke * (dice.between(0.75, 1.0) - paper)


@cache
def _handwritings(is_validation: bool) -> tuple[npt.NDArray[np.uint8], ...]:
    """Return [n, 8, 8] for each digit: those of this split's writers."""
    labels = bundled_digits.digit_labels()
    split = stratified_split(labels, ratio=VALIDATION_WRITERS, seed=_HANDWRITING_SEED)
    positions = split[int(is_validation)]
    images, of_position = bundled_digits.digit_images(), np.asarray(labels)[positions]
    return tuple(images[positions[of_position == digit]] for digit in range(10))


def cluttered_digits(spec: DatasetSpec, wants: DataWants) -> Listing:
    """Return scenes of digits, split: no handwriting is in both.

    Raises:
        DataInvalid: another task than `TASKS`, or the model has other classes.
    """
    if wants.task not in TASKS:
        raise DataInvalid(
            f"cluttered_digits has no truth for {wants.task}; it is made for {', '.join(TASKS)}"
        )
    drawn = spec.drawn
    held_out = num_kept_for_validation(drawn.num_images, spec.validation_ratio)
    names = _class_names(wants)
    train, validation = (
        _samples(spec, wants, names, is_validation=is_validation, count=count)
        for is_validation, count in ((False, drawn.num_images - held_out), (True, held_out))
    )
    return Listing(class_names=names, train=train, validation=validation)


def _class_names(wants: DataWants) -> tuple[str, ...]:
    digits = bundled_digits.CLASS_NAMES
    if wants.task == "simclr":
        return digits
    return ordered_classes((BACKGROUND, *digits) if wants.task == "segmentation" else digits, wants)


def _samples(
    spec: DatasetSpec, wants: DataWants, names: tuple[str, ...], *, is_validation: bool, count: int
) -> Samples:
    scenes = ClutteredScenes(
        seed=spec.drawn.seed,
        side=spec.drawn.side_px,
        max_digits=spec.drawn.max_objects,
        is_validation=is_validation,
        outputs=tuple(output_of(bundled_digits.CLASS_NAMES, names)),
        background=names.index(BACKGROUND) if wants.task == "segmentation" else -1,
    )
    every = np.arange(count)
    pictures = DrawnPictures(drawing=scenes, chosen=every, noun="scene")
    return Samples(pictures=pictures, truth=_truth(scenes, wants.task, names, every))


def _truth(
    scenes: ClutteredScenes, task: str, names: tuple[str, ...], every: npt.NDArray[np.int64]
) -> Truth:
    present = np.zeros((len(every), len(names)), dtype=bool)
    on_top = np.zeros(len(every), dtype=np.int64)
    for position in every:
        outputs = [scenes.outputs[glyph.digit] for glyph in scenes.digits(int(position))]
        present[position, outputs] = True
        on_top[position] = outputs[-1]
    if task == "simclr":
        return Labels(values=on_top, class_names=names)
    if task == "multilabel":
        return Flags(values=present.astype(np.float32))
    present[:, scenes.background] = True
    return Masks(source=scenes, chosen=every, presence=present)
