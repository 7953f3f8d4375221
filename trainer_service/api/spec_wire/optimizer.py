"""OptimizerSpec: how parameters move."""

from trainer_service.api.spec_wire.reader import Reader
from trainer_service.api.words import ALGORITHMS, LR_RULES, number_of
from trainer_service.jobs import OptimizerSpec
from trainer_service.jobs.learning_spec import (
    DEFAULT_ADAMW_WEIGHT_DECAY,
    DEFAULT_LARS_LR,
    DEFAULT_LARS_WEIGHT_DECAY,
    DEFAULT_LR,
    DEFAULT_MOMENTUM,
)
from vertebra.trainer.v1 import train_job_pb2 as pb

WITH_MOMENTUM = ("sgd", "lars")
WEIGHT_DECAYS = {"adamw": DEFAULT_ADAMW_WEIGHT_DECAY, "lars": DEFAULT_LARS_WEIGHT_DECAY}
"""Where none is asked for; 0 for the other algorithms."""


def read_optimizer(message: pb.OptimizerSpec, reader: Reader) -> OptimizerSpec:
    """Return the optimizer with its defaults filled in."""
    algorithm = reader.word(ALGORITHMS, message.algorithm, "optimizer.algorithm")
    if message.HasField("momentum") and algorithm not in WITH_MOMENTUM:
        reader.wrong("optimizer.momentum", f"means nothing for {algorithm!r}: SGD and LARS have it")
    usual_momentum = DEFAULT_MOMENTUM if algorithm in WITH_MOMENTUM else 0.0
    usual_decay = WEIGHT_DECAYS.get(algorithm, 0.0)
    is_usual_lars = algorithm == "lars" and not message.lr
    rule = reader.word(LR_RULES, message.lr_rule, "optimizer.lr_rule")
    spec = OptimizerSpec(
        algorithm=algorithm,
        lr=message.lr or (DEFAULT_LARS_LR if algorithm == "lars" else DEFAULT_LR),
        weight_decay=message.weight_decay if message.HasField("weight_decay") else usual_decay,
        momentum=message.momentum if message.HasField("momentum") else usual_momentum,
        lr_rule=rule or ("per_256_images" if is_usual_lars else "absolute"),
        backbone_lr_ratio=message.backbone_lr_ratio or 1.0,
        layer_decay=message.layer_decay or 1.0,
    )
    _check(spec, reader)
    return spec


def _check(spec: OptimizerSpec, reader: Reader) -> None:
    reader.positive(spec.lr, "optimizer.lr")
    reader.at_least(0, spec.weight_decay, "optimizer.weight_decay")
    reader.positive(spec.backbone_lr_ratio, "optimizer.backbone_lr_ratio")
    if not 0 <= spec.momentum < 1:
        reader.wrong("optimizer.momentum", f"{spec.momentum} is not between 0 and 1")
    if not 0 < spec.layer_decay <= 1:
        reader.wrong("optimizer.layer_decay", f"{spec.layer_decay} is not between 0 and 1")


def optimizer_message(spec: OptimizerSpec) -> pb.OptimizerSpec:
    """Return an optimizer with all of its defaults spelled out."""
    return pb.OptimizerSpec(
        algorithm=number_of(ALGORITHMS, spec.algorithm),
        lr=spec.lr,
        weight_decay=spec.weight_decay,
        momentum=spec.momentum if spec.algorithm in WITH_MOMENTUM else None,
        lr_rule=number_of(LR_RULES, spec.lr_rule),
        backbone_lr_ratio=spec.backbone_lr_ratio,
        layer_decay=spec.layer_decay,
    )
