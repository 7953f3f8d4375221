"""Small image folders, drawn: each class has its own colour, so that a model can learn them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = ((220, 40, 40), (40, 200, 60), (40, 60, 220), (220, 210, 40))
"""One per class."""


def draw_folder(root: Path, num_images: Mapping[str, int], *, side_px: int = 12) -> Path:
    """Write PNG files `<root>/<class>/<number>.png` and return `root`."""
    random = np.random.default_rng(0)
    for colour, (name, count) in zip(COLOURS[: len(num_images)], num_images.items(), strict=True):
        folder = root / name
        folder.mkdir(parents=True)
        for number in range(count):
            noise = random.integers(-30, 31, (side_px, side_px, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number:03}.png")
    return root
