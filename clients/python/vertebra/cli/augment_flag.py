"""`--augment-with`: one random change of training images, as people write it.

horizontal_flip
color_jitter:brightness=0.4,hue=0.1
random_resized_crop:min_scale=0.2,max_scale=1
"""

import math
from collections.abc import Sequence

import click

from vertebra.trainer.v1 import learning_pb2 as learning
from vertebra.trainer.v1 import train_job_pb2 as jobs

STEPS = {
    field.name: [setting.name for setting in field.message_type.fields]
    for field in learning.AugmentationStep.DESCRIPTOR.oneofs_by_name["step"].fields
    if field.message_type is not None
}
"""A step's name -> its settings; all are numbers."""

HELP = (
    "Instead of --augment, in order: horizontal_flip, color_jitter:brightness=0.4,hue=0.1,"
    " random_resized_crop:min_scale=0.2, ..."
)


def set_steps(spec: jobs.TrainJobSpec, texts: Sequence[str]) -> None:
    """Replace the steps by these.

    Raises:
        click.BadParameter: no such step or setting, or no number.
    """
    spec.ClearField("augmentation_steps")
    for text in texts:
        name, _, settings = text.partition(":")
        if name not in STEPS:
            raise _refused(f"no step {name!r}; steps are {', '.join(STEPS)}")
        step = getattr(spec.augmentation_steps.add(), name)
        step.SetInParent()
        for setting in filter(None, settings.split(",")):
            field, value = _setting(name, setting)
            setattr(step, field, value)


def _setting(name: str, text: str) -> tuple[str, float]:
    field, _, value = text.partition("=")
    known = STEPS[name]
    if field not in known:
        raise _refused(f"{name} has no setting {field!r}; it has {', '.join(known)}")
    try:
        number = float(value)
    except ValueError as error:
        raise _refused(f"{text!r} is not {field}=NUMBER") from error
    if not math.isfinite(number):
        raise _refused(f"{text!r}: the number is none")
    return field, number


def _refused(why: str) -> click.BadParameter:
    return click.BadParameter(why, param_hint="--augment-with")
