"""`--freeze`: which parts train, as people write it.

full, frozen_backbone, scratch, norm_only
last_blocks=2             the last two stages and the head
gradual                   the head, then the last stage, then everything
gradual=2:1,plateau3:all  after 2 epochs the last stage, then, after 3 epochs without an
                          improvement, everything; 500steps:2:0.05 names steps and lr_scale
custom=layer4,**.bias,!layer4.1   patterns of what trains; after `!` what does not
"""

import re
from collections.abc import Callable, Mapping

import click

from vertebra.cli.written_values import MAX_AMOUNT, MAX_COUNT
from vertebra.trainer.v1 import train_job_pb2 as jobs

WORDS = (
    "expected full, frozen_backbone, last_blocks=N, gradual, gradual=2:1,4:all, scratch, norm_only"
    " or custom=PATTERN,!PATTERN"
)
STEP_WORDS = (
    "a step is WHEN:STAGES or WHEN:STAGES:LR_SCALE, such as 2:1 (after 2 epochs the last stage),"
    " 500steps:2, plateau3:all"
)
STEP = re.compile(r"^(plateau|)(\d+)(steps|):(\d+|all)(?::(\d*\.?\d+(?:e-?\d+)?))?$")

HELP = (
    "full (the default), frozen_backbone, last_blocks=N, gradual, gradual=2:1,4:all (after 2 epochs"
    " the last stage, after 4 all), scratch, norm_only or custom=layer4,**.bias,!layer4.1."
)


def set_freeze(spec: jobs.TrainJobSpec, text: str) -> None:
    """Set the mode, in this spelling or the service's `last_blocks(2)`.

    It wins over the file's `freeze_backbone`, which is a shorthand for it.

    Raises:
        click.BadParameter: no such mode, or a schedule or number that cannot be read.
    """
    kind, equals, value = re.sub(r"^(\w+)\((.*)\)$", r"\1=\2", text).partition("=")
    modes = [field.name for field in jobs.FreezeSpec.DESCRIPTOR.oneofs_by_name["mode"].fields]
    is_right = bool(value) if equals else kind not in ("last_blocks", "custom")
    if kind not in modes or not is_right or (equals and kind not in _SETTERS):
        raise _refused(f"{text!r}; {WORDS}")
    spec.model.ClearField("freeze_backbone")
    getattr(spec.freeze, kind).SetInParent()
    if equals:
        _SETTERS[kind](spec.freeze, value)


def _set_num_blocks(freeze: jobs.FreezeSpec, number: str) -> None:
    if not number.isdecimal() or not 1 <= int(number) <= MAX_COUNT:
        raise _refused(f"'last_blocks={number}'; N is at least 1")
    freeze.last_blocks.num_blocks = int(number)


def _set_steps(freeze: jobs.FreezeSpec, schedule: str) -> None:
    freeze.gradual.ClearField("steps")
    for text in schedule.split(","):
        found = STEP.match(text.strip())
        if found is None or (found[1] and found[3]):
            raise _refused(f"{text!r}; {STEP_WORDS}")
        step = freeze.gradual.steps.add()
        step.num_blocks = 0 if found[4] == "all" else _number(found[4], MAX_COUNT)
        step.lr_scale = float(found[5] or 0)
        _set_when(step, found[1] or found[3], found[2])


def _set_when(step: jobs.UnfreezeStep, word: str, number: str) -> None:
    if word == "plateau":
        step.after_plateau_epochs = _number(number, MAX_COUNT)
    elif word == "steps":
        step.after_steps = _number(number, MAX_AMOUNT)
    else:
        step.after_epochs = _number(number, MAX_COUNT)


def _number(text: str, limit: int) -> int:
    if not 1 <= int(text) <= limit:
        raise _refused(f"{text!r} in a step; it is at least 1")
    return int(text)


def _set_patterns(freeze: jobs.FreezeSpec, patterns: str) -> None:
    named = [pattern.strip() for pattern in patterns.split(",")]
    freeze.custom.ClearField("trainable")
    freeze.custom.ClearField("frozen")
    freeze.custom.trainable.extend(one for one in named if not one.startswith("!"))
    freeze.custom.frozen.extend(one[1:] for one in named if one.startswith("!"))


_SETTERS: Mapping[str, Callable[[jobs.FreezeSpec, str], None]] = {
    "last_blocks": _set_num_blocks,
    "gradual": _set_steps,
    "custom": _set_patterns,
}
"""Modes with something behind the `=`."""


def _refused(why: str) -> click.BadParameter:
    return click.BadParameter(why, param_hint="--freeze")
