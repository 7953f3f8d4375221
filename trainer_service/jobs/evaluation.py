"""What is known of a trained model class by class, and of its data image by image."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_CONFUSED_CLASSES = 100
"""Beyond this no confusion matrix is kept: events carry it."""
MAX_NAMED_FILES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassEvaluation:
    """One class, or one target of a regression."""

    name: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    num_true: int = 0
    """How often it is true: images, pixels, objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A model on the validation images."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    classes: tuple[ClassEvaluation, ...] = ()
    confusion: tuple[int, ...] = ()
    """num_classes x num_classes, row by row; rows are the true classes."""
    num_images: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCount:
    """How often a class is there."""

    name: str
    num_train_images: int
    num_validation_images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusableImage:
    """An image, or its target, that cannot be used."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """The same picture in both splits."""

    train_path: str
    validation_path: str
    is_identical: bool
    """False where the bytes differ and only the pictures look the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReport:
    """What a look at every image gave, before training."""

    num_train_images: int
    num_validation_images: int
    classes: tuple[ClassCount, ...] = ()
    unusable: tuple[UnusableImage, ...] = ()
    """At most MAX_NAMED_FILES."""
    num_unusable: int = 0
    leaks: tuple[Leak, ...] = ()
    """At most MAX_NAMED_FILES."""
    num_leaks: int = 0
    mean: tuple[float, ...] = ()
    """Per channel, from 0 to 1, of the training images."""
    std: tuple[float, ...] = ()
    fingerprint: str = ""
    warnings: tuple[str, ...] = ()
