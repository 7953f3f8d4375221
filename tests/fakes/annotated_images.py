"""Small data sets with annotations, drawn: tables, masks, COCO files. No torch."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE_PX = 16


def draw_image(path: Path, *, seed: int = 0, width: int = SIDE_PX, height: int = SIDE_PX) -> Path:
    """Write noise in its own colour; every seed is another picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    clouds = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(clouds).resize((width, height), Image.Resampling.BICUBIC).save(path)
    return path


def draw_images(folder: Path, count: int) -> list[Path]:
    """Write `<folder>/000.png` and so on."""
    return [draw_image(folder / f"{number:03}.png", seed=number) for number in range(count)]


def write_mask(path: Path, values: np.ndarray[Any, np.dtype[np.uint8]], *, mode: str = "L") -> Path:
    """Write class indices as grey values, or as a palette."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values)
    if mode == "P":
        image = image.convert("P")
        image.putdata(values.ravel().tolist())
        image.putpalette([0, 0, 0, 200, 10, 10, 10, 200, 10] + [5] * 759)
    image.save(path)
    return path


def two_halves(left: int = 0, right: int = 1, side_px: int = SIDE_PX) -> Any:
    """Return a mask whose left half is of one class and whose right half of another."""
    mask = np.full((side_px, side_px), left, dtype=np.uint8)
    mask[:, side_px // 2 :] = right
    return mask


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write a CSV file."""
    lines = [",".join(header), *(",".join(map(str, row)) for row in rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def square(image_id: int, key: int, category_id: int, **other: object) -> dict[str, Any]:
    """Return an object in the middle of an image: box, polygon and two points."""
    box = [4, 4, 8, 8]
    polygon = [4, 4, 12, 4, 12, 12, 4, 12]
    return {
        "id": key,
        "image_id": image_id,
        "category_id": category_id,
        "bbox": box,
        "segmentation": [polygon],
        "keypoints": [4, 4, 2, 12, 12, 1],
        "iscrowd": 0,
        **other,
    }


def write_coco(
    path: Path,
    file_names: Sequence[str],
    annotations: Sequence[Mapping[str, Any]],
    categories: Mapping[int, str],
    *,
    side_px: int = SIDE_PX,
) -> Path:
    """Write an annotation file; image ids are positions."""
    images = [
        {"id": key, "file_name": name, "width": side_px, "height": side_px}
        for key, name in enumerate(file_names)
    ]
    points = ["left_top", "right_bottom"]
    document = {
        "images": images,
        "annotations": list(annotations),
        "categories": [
            {"id": key, "name": name, "keypoints": points} for key, name in categories.items()
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path
