"""What a training takes, from the index alone: an upper estimate, so that what fits does fit. Pure.

The index knows what a training of everything keeps of an image (`activation_bytes`). Which share of
it is left when parts are frozen was measured with DescribeModel over all architectures; the numbers
here are the highest of each kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from catalog_service.index.entries import ArchitectureEntry
from catalog_service.models.families.table import family_of
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


TRANSIENT_SHARE = 0.2
TRANSIENT_SHARES: Mapping[str, float] = {
    "alexnet": 0.37,
    "faster_rcnn": 0.22,
    "resnet": 0.29,
    "shufflenet_v2": 0.22,
    "squeezenet": 0.22,
    "ssd": 0.33,
    "vgg": 0.38,
}
"""Family -> what one layer of the forward holds for a moment, as a share of what a training of
everything keeps: the highest of the family's architectures.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _DenseHead:
    """What a neck and a head add to a backbone, and what they ask of it."""

    image_px: int = 0
    """The size that they are trained at; 0 means that of the backbone's own weights."""

    dilated_trunk_factor: float = 1.0
    """How much more a backbone keeps whose last maps are made larger (dilation)."""

    undilated_factor: float = 1.0
    """What is left of `activation_bytes` on a backbone whose last maps stay small."""

    num_parameters: int = 0
    activation_bytes: int = 0
    """Of one image."""

    measured_features: int = 0
    """The width of the last map that the numbers above were measured with; 0: they do not depend
    on it.
    """

    def on(self, entry: ArchitectureEntry) -> "_DenseHead":
        """Return the head on a backbone: of its width, and of the size of its last maps."""
        width = self.measured_features or 1
        ratio = entry.num_features / width if self.measured_features and entry.num_features else 1.0
        factor = 1.0 if _is_dilated(entry) else self.undilated_factor
        return replace(
            self,
            num_parameters=round(self.num_parameters * ratio**2),
            activation_bytes=round(self.activation_bytes * ratio * factor),
        )


DENSE_HEADS: Mapping[str, _DenseHead] = {
    "segmentation": _DenseHead(
        image_px=520,
        dilated_trunk_factor=2.5,
        undilated_factor=0.25,
        num_parameters=12_000_000,
        activation_bytes=100 << 20,
        measured_features=2048,
    ),
    "detection": _DenseHead(image_px=800, num_parameters=18_400_000, activation_bytes=310 << 20),
    "instance_segmentation": _DenseHead(
        image_px=800, num_parameters=21_000_000, activation_bytes=530 << 20
    ),
    "keypoints": _DenseHead(image_px=800, num_parameters=35_700_000, activation_bytes=730 << 20),
}
"""Task -> the head that it has where nobody chooses one.

Source: DescribeModel of fcn_resnet50 and the R-CNNs on resnet50 with a frozen backbone, and 40 MB
more for the pyramid of a ViT.
"""


def training_bytes(entry: ArchitectureEntry, task: str, freeze_mode: str, batch_size: int) -> int:
    """Return what training takes at a batch size, in bytes, at the task's usual image size.

    Args:
        freeze_mode: a key of `SHARES`.
    """
    share = FAMILY_SHARES.get((entry.family, freeze_mode), SHARES[freeze_mode])
    head = DENSE_HEADS.get(task, _DenseHead()).on(entry)
    is_own = entry.task == task
    trunk = entry.activation_bytes * (1.0 if is_own else _growth(entry, head))
    parameters = entry.num_parameters + (0 if is_own else head.num_parameters)
    whole = trunk + (0 if is_own else head.activation_bytes)
    trained = min(parameters, share.parameters * entry.num_parameters + head.num_parameters)
    kept = min(whole, share.activations * trunk + head.activation_bytes)
    states = 1 + OPTIMIZER_STATES[DEFAULT_OPTIMIZER]
    passing = TRANSIENT_SHARES.get(entry.family, TRANSIENT_SHARE) * trunk
    return round(PARAMETER_BYTES * (parameters + states * trained) + batch_size * (kept + passing))


def _growth(entry: ArchitectureEntry, head: _DenseHead) -> float:
    """Return how much more a backbone keeps under a dense head than under its own."""
    factor = head.dilated_trunk_factor if _is_dilated(entry) else 1.0
    if not head.image_px or not entry.default_image_px:
        return factor
    return factor * (head.image_px / entry.default_image_px) ** 2


def _is_dilated(entry: ArchitectureEntry) -> bool:
    """Return whether segmentation without a neck makes the last maps of a backbone larger."""
    rule = family_of(entry.architecture_id).features.get(entry.architecture_id)
    return rule is not None and bool(rule.dilation)
