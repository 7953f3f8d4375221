"""InputContract and OutputContract: message <-> value."""

from dataclasses import fields
from typing import Any

from catalog_service.models.contracts import (
    DetectionRule,
    InputContract,
    OutputContract,
    OutputTensor,
    SizeLimits,
)
from catalog_service.models.plain_json import to_plain
from vertebra.model.v1 import contracts_pb2

_INPUT_NUMBERS = (
    "num_channels",
    "height_px",
    "width_px",
    "resize_shorter_side_px",
    "interpolation",
    "rescale_factor",
    "is_image_list",
    "max_longer_side_px",
    "num_frames",
    "keeps_whole_image",
    "resize_height_px",
    "resize_width_px",
)
_SIZE_NUMBERS = tuple(field.name for field in fields(SizeLimits))
_RULE_NUMBERS = tuple(field.name for field in fields(DetectionRule))
_OUTPUT_LISTS = (
    "shape",
    "class_names",
    "keypoint_names",
    "target_mean",
    "target_std",
    "target_names",
)
"""Fields that are the same on both sides."""


def input_to_message(contract: InputContract) -> contracts_pb2.InputContract:
    """Return the message of an input contract."""
    return contracts_pb2.InputContract(
        **{name: getattr(contract, name) for name in _INPUT_NUMBERS},
        mean=contract.mean,
        std=contract.std,
        channel_names=contract.channel_names,
        sizes=sizes_to_message(contract.sizes),
    )


def input_from_message(message: contracts_pb2.InputContract) -> InputContract:
    """Return the input contract of a message."""
    numbers: dict[str, Any] = {name: getattr(message, name) for name in _INPUT_NUMBERS}
    return InputContract(
        **numbers,
        mean=tuple(message.mean),
        std=tuple(message.std),
        channel_names=tuple(message.channel_names),
        sizes=SizeLimits(**{name: getattr(message.sizes, name) for name in _SIZE_NUMBERS}),
    )


def sizes_to_message(sizes: SizeLimits) -> contracts_pb2.SizeLimits:
    """Return the message of a model's size limits."""
    return contracts_pb2.SizeLimits(**{name: getattr(sizes, name) for name in _SIZE_NUMBERS})


def output_to_message(contract: OutputContract) -> contracts_pb2.OutputContract:
    """Return the message of an output contract."""
    rule = contract.detection
    return contracts_pb2.OutputContract(
        kind=contract.kind,
        activation=contract.activation,
        **{name: getattr(contract, name) for name in _OUTPUT_LISTS},
        tensors=[
            contracts_pb2.OutputTensor(
                name=each.name, dtype=each.dtype, shape=each.shape, meaning=each.meaning
            )
            for each in contract.tensors
        ],
        detection=None if rule is None else contracts_pb2.DetectionRule(**to_plain(rule)),
    )


def output_from_message(message: contracts_pb2.OutputContract) -> OutputContract:
    """Return the output contract of a message."""
    lists: dict[str, Any] = {name: tuple(getattr(message, name)) for name in _OUTPUT_LISTS}
    rule = message.detection
    return OutputContract(
        kind=message.kind,
        activation=message.activation,
        **lists,
        tensors=tuple(
            OutputTensor(
                name=each.name, dtype=each.dtype, shape=tuple(each.shape), meaning=each.meaning
            )
            for each in message.tensors
        ),
        detection=DetectionRule(**{name: getattr(rule, name) for name in _RULE_NUMBERS})
        if message.HasField("detection")
        else None,
    )
