"""Augmentation, in steps or by a word for the usual ones."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from trainer_service.api.spec_wire.reader import Reader
from trainer_service.api.words import AUGMENTATIONS, number_of
from trainer_service.jobs import AugmentationStep
from trainer_service.jobs.learning_spec import SHIFT, SHIFT_AND_FLIP, SIMCLR_STEPS
from vertebra.trainer.v1 import learning_pb2 as learning
from vertebra.trainer.v1 import train_job_pb2 as pb

SHORTHANDS: Mapping[str, tuple[AugmentationStep, ...]] = {
    "none": (),
    "shift": SHIFT,
    "shift_and_flip": SHIFT_AND_FLIP,
}
_WORDS = {steps: word for word, steps in SHORTHANDS.items()}

MAX_STEPS = 32
MAX_SIGMA_PX = 100.0

Fields = dict[str, Any]


def _pair(low: float, high: float, usual: tuple[float, float]) -> tuple[float, float]:
    """Return a range; a bound that is 0 is the usual one."""
    return (low or usual[0], high or usual[1])


def _crop(message: learning.RandomResizedCrop) -> Fields:
    unset = AugmentationStep(kind="random_resized_crop")
    return {
        "scale": _pair(message.min_scale, message.max_scale, unset.scale),
        "ratio": _pair(message.min_ratio, message.max_ratio, unset.ratio),
    }


def _half(message: learning.HorizontalFlip | learning.VerticalFlip) -> Fields:
    return {"probability": message.probability or 0.5}


def _shift(message: learning.Shift) -> Fields:
    return {"max_share": message.max_share or 1 / 8}


def _rotation(message: learning.Rotation) -> Fields:
    return {"max_degrees": message.max_degrees}


def _jitter(message: learning.ColorJitter) -> Fields:
    return {
        "probability": message.probability or 1.0,
        "brightness": message.brightness,
        "contrast": message.contrast,
        "saturation": message.saturation,
        "hue": message.hue,
    }


def _grayscale(message: learning.Grayscale) -> Fields:
    return {"probability": message.probability or 0.2}


def _blur(message: learning.GaussianBlur) -> Fields:
    sigma = _pair(message.min_sigma_px, message.max_sigma_px, (0.1, 2.0))
    return {"probability": message.probability or 0.5, "sigma_px": sigma}


FIELDS_OF_STEPS: Mapping[str, Callable[[Any], Fields]] = {
    "random_resized_crop": _crop,
    "horizontal_flip": _half,
    "vertical_flip": _half,
    "shift": _shift,
    "rotation": _rotation,
    "color_jitter": _jitter,
    "grayscale": _grayscale,
    "gaussian_blur": _blur,
}
"""Name in the message -> its fields in a step, with their defaults."""


def read_augmentation(message: pb.TrainJobSpec, reader: Reader) -> tuple[AugmentationStep, ...]:
    """Return the steps that are asked for, in either spelling; SimCLR has its own usual ones."""
    word = reader.word(AUGMENTATIONS, message.augmentation, "augmentation")
    is_simclr = message.HasField("simclr")
    if not message.augmentation_steps:
        if is_simclr and word == "none":
            reader.wrong("augmentation", "NONE makes both views of SimCLR the same image")
        return SIMCLR_STEPS if is_simclr and not word else SHORTHANDS[word or "none"]
    if word:
        reader.wrong("augmentation", "contradicts augmentation_steps; leave one of them out")
    if len(message.augmentation_steps) > MAX_STEPS:
        found = len(message.augmentation_steps)
        reader.wrong("augmentation_steps", f"{found} steps; at most {MAX_STEPS}")
        return ()
    steps = (
        _step(step, f"augmentation_steps[{number}]", reader)
        for number, step in enumerate(message.augmentation_steps)
    )
    return tuple(step for step in steps if step is not None)


def _step(
    message: learning.AugmentationStep, field: str, reader: Reader
) -> AugmentationStep | None:
    kind = message.WhichOneof("step")
    if kind is None:
        reader.wrong(field, f"required: one of {', '.join(FIELDS_OF_STEPS)}")
        return None
    fields = FIELDS_OF_STEPS[kind](getattr(message, kind))
    step = AugmentationStep(kind=cast(Any, kind), **fields)
    _check(step, f"{field}.{kind}", reader)
    return step


def _check(step: AugmentationStep, field: str, reader: Reader) -> None:
    reader.between(0, 1, step.probability, f"{field}.probability")
    _check_range(step.scale, 1.0, f"{field}.scale", reader)
    _check_range(step.ratio, 100.0, f"{field}.ratio", reader)
    _check_range(step.sigma_px, MAX_SIGMA_PX, f"{field}.sigma_px", reader)
    reader.between(0, 0.5, step.hue, f"{field}.hue")
    reader.between(0, 1, step.max_share, f"{field}.max_share")
    for name in ("brightness", "contrast", "saturation"):
        reader.between(0, 1, getattr(step, name), f"{field}.{name}")
    if step.kind == "rotation" and not 0 < step.max_degrees <= 180:
        reader.wrong(f"{field}.max_degrees", f"{step.max_degrees} is not between 0 and 180")
    if step.kind == "color_jitter" and not any(
        (step.brightness, step.contrast, step.saturation, step.hue)
    ):
        reader.wrong(field, "changes nothing: set brightness, contrast, saturation or hue")


def _check_range(values: tuple[float, float], most: float, field: str, reader: Reader) -> None:
    low, high = values
    if not 0 < low <= high <= most:
        reader.wrong(field, f"{low} to {high} is no range within 0 to {most:g}")


def augmentation_fields(steps: tuple[AugmentationStep, ...]) -> Fields:
    """Return the fields of a TrainJobSpec that mean these steps."""
    if steps in _WORDS:
        return {"augmentation": number_of(AUGMENTATIONS, _WORDS[steps])}
    return {"augmentation_steps": [step_message(step) for step in steps]}


def step_message(step: AugmentationStep) -> learning.AugmentationStep:
    """Return a step with its defaults spelled out."""
    message = learning.AugmentationStep()
    part = getattr(message, step.kind)
    part.SetInParent()
    ranges = {
        "min_scale": step.scale[0],
        "max_scale": step.scale[1],
        "min_ratio": step.ratio[0],
        "max_ratio": step.ratio[1],
        "min_sigma_px": step.sigma_px[0],
        "max_sigma_px": step.sigma_px[1],
    }
    for field in part.DESCRIPTOR.fields:
        value = ranges[field.name] if field.name in ranges else getattr(step, field.name)
        setattr(part, field.name, value)
    return message
