"""How an image becomes a model's input, and what its output means. No torch.

Mirrors the contracts of `vertebra.model.v1`, field by field: enough for a client in any language.
"""

from dataclasses import dataclass
from typing import Self

from catalog_service.models.plain_json import JsonObject, from_plain, to_plain

EIGHT_BIT = 1 / 255
"""What bytes are multiplied with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeLimits:
    """Which image sizes a model takes, in pixels. Measured, not the publisher's word."""

    min_px: int = 1
    min_training_px: int = 1
    multiple_of_px: int = 1
    """Sides are multiples of this, or the border is cut off (`crops_border`)."""

    crops_border: bool = False
    is_fixed: bool = False
    """Only the size that the model was built for."""

    min_training_batch: int = 1
    """2 where batch norm sees one number per channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputContract:
    """How an image becomes the model's input: resize, crop, rescale, normalise."""

    num_channels: int = 3
    height_px: int
    width_px: int
    resize_shorter_side_px: int = 0
    """0: both sides are resized to `height_px` x `width_px`, and nothing is cropped."""

    interpolation: str = "bilinear"
    """`bilinear` or `bicubic`, antialiased; `bilinear_aliased` is not."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    rescale_factor: float = EIGHT_BIT
    channel_names: tuple[str, ...] = ("R", "G", "B")
    is_image_list: bool = False
    """The model takes images of any size and resizes and normalises them itself (detection)."""

    max_longer_side_px: int = 0
    """With `is_image_list`; 0 means no limit."""

    num_frames: int = 0
    """Frames of a clip: [B, C, T, H, W]; 0 for images."""

    sizes: SizeLimits = SizeLimits()
    keeps_whole_image: bool = False
    """Nothing is cropped: the longer side follows the image; without `resize_shorter_side_px` the
    image is not resized at all. `height_px` and `width_px` are those of the usual image.
    """

    resize_height_px: int = 0
    """With `resize_width_px`: both sides are resized to this, then the middle is cropped."""

    resize_width_px: int = 0

    def to_json(self) -> JsonObject:
        """Return the contract as plain JSON."""
        plain: JsonObject = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the contract that `to_json` wrote."""
        return from_plain(cls, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputTensor:
    """One tensor of the output."""

    name: str = ""
    """Its key; empty where the model returns one bare tensor."""

    dtype: str = "F32"
    shape: tuple[int, ...]
    """Without the batch dimension; -1 for what depends on the image."""

    meaning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionRule:
    """How boxes become detections. Source: the arguments of torchvision's detectors."""

    score_threshold: float = 0.0
    nms_iou_threshold: float = 0.0
    max_detections: int = 0
    box_format: str = "xyxy"
    mask_threshold: float = 0.0
    """A mask's pixel belongs to the object above this; 0 where there are no masks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputContract:
    """What the model's output means."""

    kind: str = "logits"
    """`logits`, `multilabel_logits`, `values`, `segmentation`, `detections`, `features`, `pyramid`
    or `flow`.
    """

    shape: tuple[int, ...]
    """Without the batch dimension; -1 for what depends on the image."""

    class_names: tuple[str, ...] = ()
    """Label i is `class_names[i]`; label 0 of detections is `__background__`."""

    activation: str = "softmax"
    """`softmax`, `sigmoid` or `none`."""

    tensors: tuple[OutputTensor, ...] = ()
    detection: DetectionRule | None = None
    keypoint_names: tuple[str, ...] = ()
    target_mean: tuple[float, ...] = ()
    """value = output * target_std + target_mean; empty: the output as it is."""

    target_std: tuple[float, ...] = ()
    target_names: tuple[str, ...] = ()

    def to_json(self) -> JsonObject:
        """Return the contract as plain JSON."""
        plain: JsonObject = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the contract that `to_json` wrote."""
        return from_plain(cls, data)
