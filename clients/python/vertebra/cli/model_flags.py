"""The options that say which model is wanted, as tables: each sets one field of ModelSpec."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from vertebra.cli.written_values import MAX_AMOUNT, count, names, numbers, parsed

Function = TypeVar("Function", bound=Callable[..., Any])

TASKS_OF_HEADS = {
    "fcn": "segmentation",
    "deeplabv3": "segmentation",
    "lraspp": "segmentation",
    "faster_rcnn": "detection",
    "retinanet": "detection",
    "fcos": "detection",
    "ssd": "detection",
    "ssdlite": "detection",
    "mask_rcnn": "instance_segmentation",
    "keypoint_rcnn": "keypoints",
}
"""A head says what it is for, so that `--task` can be left out. Source: model_spec.proto."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFlag:
    """An option that sets one field of the spec, or of the task's message."""

    name: str
    field: str
    help: str
    kind: Any = None
    parse: Callable[[str], Any] | None = None
    """Instead of a kind of click's."""

    of_task: bool = False
    is_flag: bool = False
    metavar: str | None = None

    @property
    def key(self) -> str:
        """The name under which click gives the value."""
        return self.name.lstrip("-").partition("/")[0].replace("-", "_")

    def option(self) -> Callable[[Function], Function]:
        """Return the click option; None means that it was not given."""
        if self.is_flag:
            return click.option(self.name, self.key, is_flag=True, default=None, help=self.help)
        return click.option(
            self.name,
            self.key,
            type=self.kind,
            default=None,
            callback=parsed(self.parse) if self.parse else None,
            metavar=self.metavar,
            help=self.help,
        )


NATURAL = click.IntRange(min=0, max=MAX_AMOUNT)
PROBABILITY = click.FloatRange(min=0, max=1, max_open=True)

SOURCE_FLAGS = (
    ModelFlag(
        name="--weights",
        metavar="WEIGHT",
        field="weights",
        help="A weight or checkpoints/NAME; else the default.",
    ),
    ModelFlag(
        name="--pretrained/--no-pretrained",
        field="pretrained",
        is_flag=True,
        help="Start from weights (the default), or from random numbers.",
    ),
    ModelFlag(
        name="--seed",
        field="seed",
        kind=NATURAL,
        metavar="N",
        help="Seeds what is drawn at random; 0.",
    ),
    ModelFlag(
        name="--allow-partial",
        field="allow_partial",
        is_flag=True,
        help="Accept weights that miss a part of the backbone.",
    ),
)
"""Where the numbers come from."""

STRUCTURE_FLAGS = (
    ModelFlag(
        name="--neck",
        metavar="NECK",
        field="neck",
        help="fpn, bifpn, pafpn, transformer_encoder, simple_pyramid or none; else the head's own.",
    ),
    ModelFlag(
        name="--channels",
        field="in_channels",
        parse=count,
        metavar="N",
        help="Channels of an image; else the published number.",
    ),
    ModelFlag(
        name="--stem",
        metavar="HOW",
        field="stem_adaptation",
        help="How the first layer becomes one for --channels: repeat (default), average, random.",
    ),
    ModelFlag(
        name="--aux",
        metavar="WHAT",
        field="aux_heads",
        help="Heads used in training only: keep or drop.",
    ),
)
"""What changes the structure, whatever the task."""

HEAD_FLAGS = (
    ModelFlag(
        name="--hidden",
        field="hidden_units",
        parse=numbers,
        metavar="N,N",
        help="Widths of hidden layers in the new head.",
        of_task=True,
    ),
    ModelFlag(
        name="--dropout",
        field="dropout",
        kind=PROBABILITY,
        metavar="P",
        help="Before every layer of the new head.",
        of_task=True,
    ),
    ModelFlag(
        name="--pooling",
        metavar="KIND",
        field="pooling",
        help="avg, max, avg_max or gem; else the architecture's own.",
        of_task=True,
    ),
)
"""A head that turns one vector into numbers."""

KEEP_KNOWN_CLASSES = ModelFlag(
    name="--keep-known-classes",
    field="keep_known_classes",
    is_flag=True,
    help="Keep the published rows of classes that have the published name.",
    of_task=True,
)

TASK_FLAGS = (
    ModelFlag(
        name="--classes",
        field="class_names",
        parse=names,
        metavar="A,B|@FILE",
        help="Class names in the order of the outputs; a file has one a line.",
        of_task=True,
    ),
    ModelFlag(
        name="--num-classes",
        field="num_classes",
        parse=count,
        metavar="N",
        help="How many, where names do not matter.",
        of_task=True,
    ),
    ModelFlag(
        name="--targets",
        field="target_names",
        parse=names,
        metavar="A,B|@FILE",
        help="Names of the numbers to predict.",
        of_task=True,
    ),
    ModelFlag(
        name="--num-targets",
        field="num_targets",
        parse=count,
        metavar="N",
        help="How many numbers to predict.",
        of_task=True,
    ),
    ModelFlag(
        name="--keypoints",
        field="keypoint_names",
        parse=names,
        metavar="A,B|@FILE",
        help="Names of the keypoints.",
        of_task=True,
    ),
    ModelFlag(
        name="--num-keypoints",
        field="num_keypoints",
        parse=count,
        metavar="N",
        help="How many keypoints.",
        of_task=True,
    ),
    ModelFlag(
        name="--head",
        metavar="HEAD",
        field="head",
        help=f"{', '.join(TASKS_OF_HEADS)}; says the task too.",
        of_task=True,
    ),
    *HEAD_FLAGS,
    ModelFlag(
        name="--multilabel",
        field="multilabel",
        is_flag=True,
        help="Any number of classes at once.",
        of_task=True,
    ),
    KEEP_KNOWN_CLASSES,
    ModelFlag(
        name="--features",
        metavar="WHAT",
        field="output",
        help="No prediction: pooled, pyramid or identity.",
        of_task=True,
    ),
)
"""What a new head predicts, and how it looks."""

FLAGS = (*SOURCE_FLAGS, *STRUCTURE_FLAGS, *TASK_FLAGS)
