"""FreezeSpec: which parts train."""

from catalog_service.errors import InvalidRequest
from catalog_service.models.freeze_mode import (
    DEFAULT_LR_SCALE,
    FreezeMode,
    NormPolicy,
    UnfreezeStep,
    check_words,
)
from catalog_service.models.freeze_patterns import check_patterns
from catalog_service.models.freeze_phases import step_problems
from trainer_service.api.spec_wire.reader import Reader
from trainer_service.api.words import NORMS, number_of
from vertebra.trainer.v1 import train_job_pb2 as pb

MAX_STEPS = 100
"""More phases than this are taken for a mistake; no model has as many stages."""

FREEZES = ("frozen_backbone", "last_blocks", "custom", "norm_only")
"""Modes under which some of the backbone keeps its numbers to the end."""


def read_mode(message: pb.TrainJobSpec, reader: Reader) -> FreezeMode:
    """Return the mode that is asked for, in either of its two spellings."""
    shorthand = message.model.freeze_backbone
    kind = message.freeze.WhichOneof("mode")
    if kind is None:
        return FreezeMode(kind="frozen_backbone" if shorthand else "full")
    agreeing = ("frozen_backbone",) if shorthand else ("full", "scratch")
    if message.model.HasField("freeze_backbone") and kind not in agreeing:
        reader.wrong(
            "model.freeze_backbone",
            f"{str(shorthand).lower()} contradicts freeze mode {kind!r}; leave one of them out",
        )
    mode = FreezeMode(
        kind=kind,
        num_blocks=message.freeze.last_blocks.num_blocks,
        steps=tuple(_step(step) for step in message.freeze.gradual.steps),
        trainable_patterns=tuple(message.freeze.custom.trainable),
        frozen_patterns=tuple(message.freeze.custom.frozen),
    )
    _check(mode, reader)
    return mode


def read_norm(message: pb.FreezeSpec, mode: FreezeMode, reader: Reader) -> NormPolicy:
    """Return the norm policy, the mode's usual one where none is asked for."""
    asked = reader.word(NORMS, message.norm, "freeze.norm")
    try:
        check_words(mode, asked)
    except InvalidRequest as error:
        reader.wrong("freeze.norm", error.message)
    return asked or mode.usual_norm


def _step(message: pb.UnfreezeStep) -> UnfreezeStep:
    return UnfreezeStep(
        after_epochs=message.after_epochs,
        after_steps=message.after_steps,
        after_plateau_epochs=message.after_plateau_epochs,
        num_blocks=message.num_blocks,
        lr_scale=message.lr_scale or DEFAULT_LR_SCALE,
    )


def _check(mode: FreezeMode, reader: Reader) -> None:
    if mode.kind == "last_blocks" and mode.num_blocks < 1:
        reader.wrong("freeze.last_blocks.num_blocks", f"{mode.num_blocks} is less than 1")
    if len(mode.steps) > MAX_STEPS:
        reader.wrong("freeze.gradual.steps", f"{len(mode.steps)} steps; at most {MAX_STEPS}")
    for number, step in enumerate(mode.steps[:MAX_STEPS]):
        for problem in step_problems(step):
            reader.wrong(f"freeze.gradual.steps[{number}]", problem)
    patterns = {"trainable": mode.trainable_patterns, "frozen": mode.frozen_patterns}
    for field, given in patterns.items():
        try:
            check_patterns(given, field=f"custom.{field}")
        except InvalidRequest as error:
            reader.wrong(f"freeze.custom.{field}", error.message)


def freeze_message(mode: FreezeMode, norm: str) -> pb.FreezeSpec:
    """Return a mode with its defaults spelled out."""
    message = pb.FreezeSpec(norm=number_of(NORMS, norm))
    getattr(message, mode.kind).SetInParent()
    if mode.kind == "last_blocks":
        message.last_blocks.num_blocks = mode.num_blocks
    if mode.kind == "gradual":
        message.gradual.steps.extend(_step_message(step) for step in mode.steps)
    if mode.kind == "custom":
        message.custom.trainable.extend(mode.trainable_patterns)
        message.custom.frozen.extend(mode.frozen_patterns)
    return message


def _step_message(step: UnfreezeStep) -> pb.UnfreezeStep:
    message = pb.UnfreezeStep(num_blocks=step.num_blocks, lr_scale=step.lr_scale)
    for clock in ("after_epochs", "after_steps", "after_plateau_epochs"):
        if getattr(step, clock):
            setattr(message, clock, getattr(step, clock))
    return message
