"""ModelSpec: message <-> value."""

from catalog_service.models.spec import ClassificationTask, ModelSpec
from vertebra.model.v1 import model_spec_pb2


def spec_from_message(message: model_spec_pb2.ModelSpec) -> ModelSpec:
    """Return the spec that a message asks for; `check(spec)` finds what is wrong with it."""
    task = None
    if message.HasField("classification"):
        task = ClassificationTask(
            class_names=tuple(message.classification.class_names),
            num_classes=message.classification.num_classes,
        )
    return ModelSpec(
        backbone=message.backbone,
        pretrained=message.pretrained if message.HasField("pretrained") else None,
        weights=message.weights,
        freeze_backbone=message.freeze_backbone if message.HasField("freeze_backbone") else None,
        task=task,
        image_height_px=message.image_height_px,
        image_width_px=message.image_width_px,
        seed=message.seed,
        allow_partial=message.allow_partial,
        allow_frozen_random=message.allow_frozen_random,
    )


def spec_to_message(spec: ModelSpec) -> model_spec_pb2.ModelSpec:
    """Return the message of a spec; optional fields stay absent where the spec has None."""
    message = model_spec_pb2.ModelSpec(
        backbone=spec.backbone,
        weights=spec.weights,
        image_height_px=spec.image_height_px,
        image_width_px=spec.image_width_px,
        seed=spec.seed,
        allow_partial=spec.allow_partial,
        allow_frozen_random=spec.allow_frozen_random,
    )
    if spec.pretrained is not None:
        message.pretrained = spec.pretrained
    if spec.freeze_backbone is not None:
        message.freeze_backbone = spec.freeze_backbone
    if spec.task is not None:
        message.classification.CopyFrom(
            model_spec_pb2.ClassificationTask(
                class_names=spec.task.class_names, num_classes=spec.task.num_classes
            )
        )
    return message
