"""Draws the demo's two data sets: letters and hand-written digits, on equal clutter.

Letters come from the font that Pillow ships, digits are the real hand-written ones that
scikit-learn ships. Both are pasted in random colours, sizes, angles and places over the same kind
of clutter, so that telling them apart takes more than counting bright pixels. All is seeded.
"""

import string
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from sklearn.datasets import load_digits

SIDE_PX = 32
"""Side of every image."""

NUM_IMAGES_PER_LETTER = 60
"""26 x 60 = 1,560 images to pretrain on."""

NUM_LABELS_PER_DIGIT = 10
"""What fine-tuning gets to see of each digit."""

NUM_CHECKS_PER_DIGIT = 50
"""What fine-tuning is judged by."""

CLUTTER_SPREAD = 50
"""Most that a shape's colour differs from the background's, per channel (0 to 255)."""

MIN_CONTRAST = 100.0
"""How much brighter a glyph is, at least, than the mean of what lies under it (0 to 255)."""


def draw_letters(folder: Path, seed: int) -> None:
    """Write `<folder>/<letter>/<n>.png`: 26 classes of 60 images."""
    rng = np.random.default_rng([seed, 1])
    for letter in string.ascii_uppercase:
        masks = (_letter_mask(letter, rng) for _ in range(NUM_IMAGES_PER_LETTER))
        _write_class(folder / letter, masks, rng)


def draw_digits(train: Path, validation: Path, seed: int) -> None:
    """Write 10 images per digit to `train` and 50 others per digit to `validation`."""
    rng = np.random.default_rng([seed, 2])
    digits = load_digits()
    for digit in range(10):
        chosen = rng.permutation(np.flatnonzero(digits.target == digit))
        masks = [_digit_mask(digits.images[index], rng) for index in chosen]
        last = NUM_LABELS_PER_DIGIT + NUM_CHECKS_PER_DIGIT
        _write_class(train / str(digit), iter(masks[:NUM_LABELS_PER_DIGIT]), rng)
        _write_class(validation / str(digit), iter(masks[NUM_LABELS_PER_DIGIT:last]), rng)


def _write_class(folder: Path, masks: Iterator[Image.Image], rng: np.random.Generator) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, mask in enumerate(masks):
        _paste(_clutter(rng), mask, rng).save(folder / f"{number:03d}.png")


def _letter_mask(letter: str, rng: np.random.Generator) -> Image.Image:
    """Return a grey image [40, 40] with one rotated letter, thin to bold, sharp to soft."""
    font = ImageFont.load_default(size=int(rng.integers(20, 29)))
    mask = Image.new("L", (40, 40))
    pen = ImageDraw.Draw(mask)
    bold = float(rng.uniform(0, 1.5))
    pen.text((20, 20), letter, fill=255, font=font, anchor="mm", stroke_width=bold)
    soft = ImageFilter.GaussianBlur(float(rng.uniform(0, 1)))
    return _rotated(mask.filter(soft), rng)


def _digit_mask(pixels: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Return a grey image [40, 40] with one rotated digit, from 8 x 8 values of 0 to 16."""
    side = int(rng.integers(20, 29))
    small = Image.fromarray((pixels * (255 / 16)).astype(np.uint8))
    mask = Image.new("L", (40, 40))
    corner = (40 - side) // 2
    mask.paste(small.resize((side, side), Image.Resampling.BICUBIC), (corner, corner))
    return _rotated(mask, rng)


def _rotated(mask: Image.Image, rng: np.random.Generator) -> Image.Image:
    return mask.rotate(float(rng.uniform(-15, 15)), resample=Image.Resampling.BILINEAR)


def _clutter(rng: np.random.Generator) -> Image.Image:
    """Return an RGB image of random shapes and noise."""
    ground = _colour(rng, brightest=100)
    image = Image.new("RGB", (SIDE_PX, SIDE_PX), ground)
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(4, 9))):
        x0, y0, x1, y1 = (int(value) for value in rng.integers(-8, SIDE_PX + 8, size=4))
        box = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        colour = _near(ground, rng)
        shape = int(rng.integers(3))
        if shape == 0:
            pen.line((x0, y0, x1, y1), fill=colour, width=int(rng.integers(1, 4)))
        elif shape == 1:
            pen.ellipse(box, fill=colour)
        else:
            pen.rectangle(box, fill=colour)
    noise = rng.normal(0, 12, size=(SIDE_PX, SIDE_PX, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def _paste(image: Image.Image, mask: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return `image` with the mask's shape in one colour, moved by up to 3 pixels."""
    left, top = (int(value) for value in rng.integers(1, 8, size=2))
    cut = mask.crop((left, top, left + SIDE_PX, top + SIDE_PX))
    under = float(np.asarray(image).mean())
    colour = _colour(rng)
    while sum(colour) / 3 - under < MIN_CONTRAST:
        colour = _colour(rng)
    image.paste(Image.new("RGB", image.size, colour), (0, 0), cut)
    return image


def _near(colour: tuple[int, int, int], rng: np.random.Generator) -> tuple[int, int, int]:
    """Return a colour at most CLUTTER_SPREAD away per channel."""
    moved = np.array(colour) + rng.integers(-CLUTTER_SPREAD, CLUTTER_SPREAD + 1, size=3)
    red, green, blue = (int(value) for value in np.clip(moved, 0, 255))
    return red, green, blue


def _colour(rng: np.random.Generator, brightest: int = 255) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in rng.integers(0, brightest + 1, size=3))
    return red, green, blue
