"""LossSpec: what is minimised, and whether the task can have it."""

import math

from trainer_service.api.spec_wire.reader import Reader
from trainer_service.api.words import CLASS_WEIGHT_RULES, LOSSES, number_of
from trainer_service.jobs import ClassWeights, LossSpec
from trainer_service.jobs.learning_spec import (
    DEFAULT_IGNORE_INDEX,
    MAX_IGNORE_INDEX,
    ClassWeightRule,
)
from vertebra.trainer.v1 import learning_pb2 as pb

WEIGHTED_TASKS = ("classification", "multilabel", "segmentation")
SMOOTHED = ("cross_entropy", "cross_entropy_dice")


def read_loss(message: pb.LossSpec, reader: Reader) -> LossSpec:
    """Return what is asked for; an empty kind is the task's usual one."""
    spec = LossSpec(
        kind=reader.word(LOSSES, message.kind, "loss.kind"),
        label_smoothing=message.label_smoothing,
        class_weights=_class_weights(message.class_weights, reader),
        ignore_index=(
            message.ignore_index if message.HasField("ignore_index") else DEFAULT_IGNORE_INDEX
        ),
    )
    reader.between(0, 1, spec.label_smoothing, "loss.label_smoothing")
    reader.between(0, MAX_IGNORE_INDEX, spec.ignore_index, "loss.ignore_index")
    return spec


def _class_weights(message: pb.ClassWeights, reader: Reader) -> ClassWeights:
    weights = tuple(message.weights)
    asked = reader.word(CLASS_WEIGHT_RULES, message.rule, "loss.class_weights.rule")
    rule: ClassWeightRule = asked or ("explicit" if weights else "none")
    if weights and rule != "explicit":
        reader.wrong("loss.class_weights.weights", f"contradicts rule {rule!r}; leave one out")
    if rule == "explicit" and not weights:
        reader.wrong("loss.class_weights.weights", "required with rule 'explicit': one per class")
    if not all(math.isfinite(each) and each >= 0 for each in weights) or (
        weights and not any(weights)
    ):
        reader.wrong("loss.class_weights.weights", "are not all positive numbers or 0")
    return ClassWeights(rule=rule, weights=weights)


def check_loss(loss: LossSpec, possible: tuple[str, ...], task: str, reader: Reader) -> None:
    """Note what the task cannot have.

    Args:
        possible: losses of the task; the usual one is the first.
    """
    if loss.kind and loss.kind not in possible:
        named = [kind for kind in possible if kind in LOSSES.values()]
        choice = f"it has {', '.join(named)}" if named else "it has a loss of its own: leave it out"
        reader.wrong("loss.kind", f"{loss.kind!r} is no loss of {task}; {choice}")
    kind = loss.kind or possible[0]
    if loss.label_smoothing and kind not in SMOOTHED:
        reader.wrong("loss.label_smoothing", f"means nothing for {kind!r}: it is cross-entropy's")
    if loss.class_weights.rule != "none" and (task not in WEIGHTED_TASKS or kind == "dice"):
        reader.wrong("loss.class_weights", f"mean nothing for {task} with loss {kind!r}")
    if loss.ignore_index != DEFAULT_IGNORE_INDEX and task != "segmentation":
        reader.wrong("loss.ignore_index", f"means nothing for {task}: masks have it")


def loss_message(spec: LossSpec, task: str) -> pb.LossSpec:
    """Return a loss with its defaults spelled out; those that are no choice have no word."""
    return pb.LossSpec(
        kind=number_of(LOSSES, spec.kind if spec.kind in LOSSES.values() else ""),
        label_smoothing=spec.label_smoothing,
        class_weights=pb.ClassWeights(
            rule=number_of(CLASS_WEIGHT_RULES, spec.class_weights.rule),
            weights=spec.class_weights.weights,
        ),
        ignore_index=spec.ignore_index if task == "segmentation" else None,
    )
