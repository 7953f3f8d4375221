"""Every contradiction that a spec shows by itself, found at once. No torch.

Whether names exist and heads fit a backbone is for who has the index: `resolve/build_plan.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from catalog_service.errors import Violation, listed
from catalog_service.models.name_check import name_problems, path_problems
from catalog_service.models.spec import ModelSpec
from catalog_service.models.tasks import (
    ClassificationTask,
    DetectionTask,
    FeaturesTask,
    InstanceSegmentationTask,
    KeypointsTask,
    RegressionTask,
    SegmentationTask,
    Task,
)

MAX_CLASSES = 1_000_000
"""More outputs than this is taken for a mistake, whatever the head."""

MAX_HEAD_BYTES = 2**31
"""A head's parameters, 4 bytes each, take at most this: a million classes over a vector of 512, not
of 2048. What does not fit beside a model's activations is taken for a mistake.
"""

MAX_KEYPOINTS = 1_000
"""More keypoints of one object than this are taken for a mistake."""

MAX_IMAGE_PX = 8192
"""Larger sides than this are taken for a mistake."""

MAX_CHANNELS = 1024
"""More channels than this are taken for a mistake; hyperspectral cameras have some hundred."""

MAX_HIDDEN_LAYERS = 16
MAX_HIDDEN_WIDTH = 65_536
"""Deeper or wider heads than this are taken for a mistake."""

MAX_SEED = 2**63 - 1
"""The largest seed that a JSON reader and torch both take."""

BACKGROUND = "__background__"
"""Label 0 of detections. Source: torchvision's detection weights."""

CHECKPOINT_PREFIX = "checkpoints/"
"""Of weights that were registered: they may have a structure of their own."""

STEM_ADAPTATIONS = ("repeat", "average", "random")
AUX_POLICIES = ("keep", "drop")
POOLINGS = ("avg", "max", "avg_max", "gem")
NECKS = ("fpn", "bifpn", "pafpn", "transformer_encoder", "simple_pyramid", "none")
FEATURES = ("pooled", "pyramid", "identity")

HEAD_WORDS: Mapping[str, tuple[str, ...]] = {
    "segmentation": ("fcn", "deeplabv3", "lraspp"),
    "detection": ("faster_rcnn", "retinanet", "fcos", "ssd", "ssdlite"),
    "instance_segmentation": ("mask_rcnn",),
    "keypoints": ("keypoint_rcnn",),
}
"""Task -> what its `head` takes besides nothing; SSD's come with their own architecture only."""

Found = Iterable[tuple[str, str]]
"""Field, relative to the task, and what is wrong with it."""


def check(spec: ModelSpec) -> list[Violation]:
    """Return every problem that the spec shows by itself, field paths relative to the spec."""
    found = [
        *_check_source(spec),
        *_check_task(spec.task),
        *_check_image(spec),
        *_check_stem(spec),
        *_check_parts(spec),
    ]
    return [Violation(field=name, description=why) for name, why in found]


def check_head_size(field: str, num_outputs: int, num_parameters: int) -> list[Violation]:
    """Return a problem where a head is larger than `MAX_HEAD_BYTES`.

    Args:
        num_parameters: of the whole new head; proportional to `num_outputs` where that is large.
    """
    size = 4 * num_parameters
    if size <= MAX_HEAD_BYTES:
        return []
    most = num_outputs * MAX_HEAD_BYTES // size
    why = (
        f"{num_outputs} outputs take a head of {size / 2**30:.1f} GiB; heads have at most "
        f"{MAX_HEAD_BYTES // 2**30} GiB (parameters x 4 bytes): about {most} outputs here"
    )
    return [Violation(field=field, description=why)]


def _check_source(spec: ModelSpec) -> Found:
    if not spec.architecture_id:
        yield "backbone", "required, such as 'resnet50'"
    if not spec.is_pretrained and spec.weights:
        yield (
            "weights",
            f"weights {spec.weights[:100]!r} contradict pretrained=false; leave one of them out",
        )
    if not spec.is_pretrained and spec.allow_partial:
        yield "allow_partial", "means nothing with pretrained=false: nothing is loaded"
    is_published = spec.is_pretrained and not spec.weights.startswith(CHECKPOINT_PREFIX)
    if is_published and spec.arguments:
        names = listed([name[:100] for name in sorted(spec.arguments)])
        yield (
            "arguments",
            f"{names} change the structure, and published weights fit only the published one; "
            "give pretrained=false too",
        )
    if not 0 <= spec.seed <= MAX_SEED:
        yield "seed", f"{spec.seed} is not between 0 and 2^63 - 1"
    if not spec.is_pretrained and getattr(spec.task, "keep_known_classes", False):
        yield (
            f"{spec.task.kind if spec.task else ''}.keep_known_classes",
            "means nothing with pretrained=false: nothing is published that could be kept",
        )


def _check_image(spec: ModelSpec) -> Found:
    sizes = {"image_height_px": spec.image_height_px, "image_width_px": spec.image_width_px}
    for name, size in sizes.items():
        if not 0 <= size <= MAX_IMAGE_PX:
            yield name, f"{size} is not between 0 and {MAX_IMAGE_PX}"
    if (spec.image_height_px == 0) != (spec.image_width_px == 0):
        name = "image_height_px" if spec.image_height_px == 0 else "image_width_px"
        yield name, "give both sides or none"


def _check_stem(spec: ModelSpec) -> Found:
    if not 0 <= spec.in_channels <= MAX_CHANNELS:
        yield (
            "in_channels",
            f"{spec.in_channels} is not between 1 and {MAX_CHANNELS} (0: the published number)",
        )
    yield from _check_word("stem_adaptation", spec.stem_adaptation, STEM_ADAPTATIONS)
    if spec.stem_adaptation and not spec.in_channels:
        yield "stem_adaptation", "means nothing without in_channels; give both or none"


def _check_parts(spec: ModelSpec) -> Found:
    yield from _check_word("aux_heads", spec.aux_heads, AUX_POLICIES)
    yield from _check_word("neck", spec.neck, NECKS)
    if spec.neck not in ("", "none") and not _takes_neck(spec.task):
        task = spec.task.kind if spec.task else "the published head"
        yield (
            "neck",
            f"{spec.neck!r} means nothing for {task}: segmentation, detection, "
            "instance_segmentation, keypoints and features with output 'pyramid' take a neck",
        )
    for why in path_problems(spec.remove_modules):
        yield "remove_modules", why


def _takes_neck(task: Task | None) -> bool:
    if isinstance(task, FeaturesTask):
        return task.output == "pyramid"
    return task is not None and task.kind in HEAD_WORDS


def _check_task(task: Task | None) -> Found:
    if task is not None:
        for name, why in _CHECKS[task.kind](task):
            yield f"{task.kind}.{name}", why


def _check_classification(task: ClassificationTask) -> Found:
    yield from _check_outputs("class_names", task.class_names, "num_classes", task.num_classes)
    yield from _check_vector_head(task)
    yield from _check_known(task)
    for name in ("hidden_units", "pooling"):
        if task.keep_known_classes and getattr(task, name):
            yield "keep_known_classes", f"contradicts {name}: the published last layer is gone"


def _check_regression(task: RegressionTask) -> Found:
    yield from _check_outputs("target_names", task.target_names, "num_targets", task.num_targets)
    yield from _check_vector_head(task)


def _check_vector_head(task: ClassificationTask | RegressionTask) -> Found:
    yield from _check_word("pooling", task.pooling, POOLINGS)
    if task.dropout is not None and not 0 <= task.dropout < 1:
        yield "dropout", f"{task.dropout} is not a probability from 0 to below 1"
    if len(task.hidden_units) > MAX_HIDDEN_LAYERS:
        yield "hidden_units", f"{len(task.hidden_units)} layers; at most {MAX_HIDDEN_LAYERS}"
    wrong = [width for width in task.hidden_units if not 1 <= width <= MAX_HIDDEN_WIDTH]
    if wrong:
        yield "hidden_units", f"{wrong[0]} is not between 1 and {MAX_HIDDEN_WIDTH}"


def _check_segmentation(task: SegmentationTask) -> Found:
    yield from _check_outputs("class_names", task.class_names, "num_classes", task.num_classes)
    yield from _check_word("head", task.head, HEAD_WORDS[task.kind])
    yield from _check_known(task)


def _check_detection(task: DetectionTask | InstanceSegmentationTask) -> Found:
    yield from _check_outputs("class_names", task.class_names, "num_classes", task.num_classes)
    yield from _check_background(task.class_names)
    yield from _check_word("head", task.head, HEAD_WORDS[task.kind])
    yield from _check_known(task)


def _check_keypoints(task: KeypointsTask) -> Found:
    yield from _check_outputs(
        "keypoint_names",
        task.keypoint_names,
        "num_keypoints",
        task.num_keypoints,
        most=MAX_KEYPOINTS,
    )
    yield from _check_names("class_names", task.class_names)
    yield from _check_background(task.class_names)
    yield from _check_word("head", task.head, HEAD_WORDS[task.kind])


def _check_features(task: FeaturesTask) -> Found:
    yield from _check_word("output", task.output, FEATURES)
    yield from _check_word("pooling", task.pooling, POOLINGS)
    if task.pooling and task.output not in ("", "pooled"):
        yield "pooling", f"means nothing for {task.output!r}; only 'pooled' features are pooled"


_CHECKS: Mapping[str, Callable[[Any], Found]] = {
    "classification": _check_classification,
    "regression": _check_regression,
    "segmentation": _check_segmentation,
    "detection": _check_detection,
    "instance_segmentation": _check_detection,
    "keypoints": _check_keypoints,
    "features": _check_features,
}


def _check_known(
    task: ClassificationTask | SegmentationTask | DetectionTask | InstanceSegmentationTask,
) -> Found:
    if task.keep_known_classes and not task.class_names:
        yield "keep_known_classes", "needs class_names: rows are kept by name"


def _check_background(names: tuple[str, ...]) -> Found:
    if BACKGROUND in names:
        yield "class_names", f"{BACKGROUND!r} is none of the classes: label 0 is added by us"


def _check_outputs(
    names_field: str,
    names: tuple[str, ...],
    number_field: str,
    number: int,
    *,
    most: int = MAX_CLASSES,
) -> Found:
    yield from _check_names(names_field, names)
    count = len(names) or number
    if number < 0 or count > most:
        yield number_field, f"{number if number < 0 else count} is not between 1 and {most}"
    elif count == 0:
        yield number_field, f"give {names_field} or {number_field}"
    elif names and number not in (0, len(names)):
        yield number_field, f"{number} contradicts the {len(names)} {names_field}"


def _check_names(field: str, names: tuple[str, ...]) -> Found:
    for why in name_problems(names):
        yield field, why


def _check_word(field: str, word: str, words: tuple[str, ...]) -> Found:
    if word and word not in words:
        yield field, f"{word[:100]!r} is none of {', '.join(words)}"
