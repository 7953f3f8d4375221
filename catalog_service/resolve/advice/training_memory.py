"""What a training takes, from the index alone: an upper estimate, so that what fits does fit. Pure.

The index knows what a training of everything keeps of an image (`activation_bytes`). Which share of
it is left when parts are frozen was measured with DescribeModel over all architectures; the numbers
here are the highest of each kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from catalog_service.index.entries import ArchitectureEntry
from catalog_service.models.model_description import (
    DEFAULT_OPTIMIZER,
    OPTIMIZER_STATES,
    PARAMETER_BYTES,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """Of a whole training, 0 to 1."""

    parameters: float
    activations: float


WHOLE = _Share(parameters=1.0, activations=1.0)

SHARES: Mapping[str, _Share] = {
    "full": WHOLE,
    "scratch": WHOLE,
    "frozen_backbone": _Share(parameters=0.11, activations=0.03),
    "last_blocks(1)": _Share(parameters=0.9, activations=0.37),
}
"""Freeze mode -> share of parameters that train, and of activations that are kept."""

FAMILY_SHARES: Mapping[tuple[str, str], _Share] = {
    ("alexnet", "frozen_backbone"): _Share(parameters=0.96, activations=0.03),
    ("vgg", "frozen_backbone"): _Share(parameters=0.93, activations=0.03),
    ("mobilenet_v3", "frozen_backbone"): _Share(parameters=0.41, activations=0.03),
    ("alexnet", "last_blocks(1)"): _Share(parameters=0.97, activations=0.26),
    ("vgg", "last_blocks(1)"): _Share(parameters=0.97, activations=0.26),
    ("vit", "last_blocks(1)"): _Share(parameters=0.1, activations=0.1),
    ("dinov3_vit", "last_blocks(1)"): _Share(parameters=0.1, activations=0.1),
}
"""Family and mode where the shares are others: heads of large linear layers, many equal layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _DenseHead:
    """What a neck and a head add to a backbone, and what they ask of it."""

    image_px: int = 0
    """The size that they are trained at; 0 means that of the backbone's own weights."""

    trunk_factor: float = 1.0
    """How much more the backbone keeps: segmentation has larger maps in its last stages."""

    num_parameters: int = 0
    activation_bytes: int = 0
    """Of one image."""


DENSE_HEADS: Mapping[str, _DenseHead] = {
    "segmentation": _DenseHead(
        image_px=520, trunk_factor=2.5, num_parameters=16_200_000, activation_bytes=120 << 20
    ),
    "detection": _DenseHead(image_px=800, num_parameters=18_400_000, activation_bytes=270 << 20),
    "instance_segmentation": _DenseHead(
        image_px=800, num_parameters=21_000_000, activation_bytes=490 << 20
    ),
    "keypoints": _DenseHead(image_px=800, num_parameters=35_700_000, activation_bytes=690 << 20),
}
"""Task -> the largest of its usual heads.

Source: DescribeModel of deeplabv3_resnet50 and the R-CNNs on resnet50 with a frozen backbone.
"""


def training_bytes(entry: ArchitectureEntry, task: str, freeze_mode: str, batch_size: int) -> int:
    """Return what training takes at a batch size, in bytes, at the task's usual image size.

    Args:
        freeze_mode: a key of `SHARES`.
    """
    share = FAMILY_SHARES.get((entry.family, freeze_mode), SHARES[freeze_mode])
    head = DENSE_HEADS.get(task, _DenseHead())
    is_own = entry.task == task
    trunk = entry.activation_bytes * (1.0 if is_own else _growth(entry, head))
    parameters = entry.num_parameters + (0 if is_own else head.num_parameters)
    whole = trunk + (0 if is_own else head.activation_bytes)
    trained = min(parameters, share.parameters * entry.num_parameters + head.num_parameters)
    kept = min(whole, share.activations * trunk + head.activation_bytes)
    states = 1 + OPTIMIZER_STATES[DEFAULT_OPTIMIZER]
    return round(PARAMETER_BYTES * (parameters + states * trained) + batch_size * kept)


def _growth(entry: ArchitectureEntry, head: _DenseHead) -> float:
    """Return how much more a backbone keeps under a dense head than under its own."""
    if not head.image_px or not entry.default_image_px:
        return head.trunk_factor
    return head.trunk_factor * (head.image_px / entry.default_image_px) ** 2
