"""Where the images are, on the trainer's host: one class a kind of source. No disk, no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

DatasetKind = Literal[
    "image_folder",
    "bundled_digits",
    "csv",
    "image_mask_pairs",
    "coco",
    "torchvision",
    "unlabelled_images",
    "drawn_scenes",
    "cluttered_digits",
]

DEFAULT_VALIDATION_RATIO = 0.2
DEFAULT_LABEL_SEPARATOR = ";"
DEFAULT_NUM_SCENES = 400
DEFAULT_SCENE_SIDE_PX = 64
DEFAULT_NUM_CLUTTERED = 500
DEFAULT_CLUTTERED_SIDE_PX = 48
DEFAULT_MAX_OBJECTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvSource:
    """What only a table says."""

    images_path: str = ""
    """Empty means the table's own folder."""
    image_column: str = ""
    target_columns: tuple[str, ...] = ()
    split_column: str = ""
    label_separator: str = DEFAULT_LABEL_SEPARATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnSource:
    """What is drawn: `drawn_scenes` and `cluttered_digits`."""

    num_images: int = DEFAULT_NUM_SCENES
    side_px: int = DEFAULT_SCENE_SIDE_PX
    max_objects: int = DEFAULT_MAX_OBJECTS
    """Shapes or digits in a scene, at most."""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """Where the images are, on the trainer's host, and which of them are used."""

    kind: DatasetKind
    path: str = ""
    """Absolute, or a URL; a folder of images, a table, an annotation file, a data set's root. Empty
    for what is bundled or drawn."""
    validation_path: str = ""
    """Empty means a split of `path`."""
    targets_path: str = ""
    """`image_mask_pairs`: the masks; `coco`: the images of the annotations."""
    validation_targets_path: str = ""
    validation_ratio: float = DEFAULT_VALIDATION_RATIO
    split_seed: int = 0
    data_ratio: float = 1.0
    """Share of the training images that are used; nested."""
    max_unusable_ratio: float = 0.0
    """Share of the images that may be left out because they cannot be used."""
    name: str = ""
    """`torchvision`: which data set."""
    target_type: str = ""
    """`torchvision`: which of its targets; empty means what the task needs."""
    classes_of_values: Mapping[int, int] = field(default_factory=dict)
    """`image_mask_pairs`: class of a mask's value; values that are not listed mean themselves."""
    csv: CsvSource = field(default_factory=CsvSource)
    drawn: DrawnSource = field(default_factory=DrawnSource)
