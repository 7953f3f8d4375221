"""The rows of the index, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog_service.models.contracts import InputContract


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A published result: `acc@1` on `ImageNet-1K` and the like."""

    dataset: str
    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureEntry:
    """A model without numbers."""

    architecture_id: str
    builder: str
    """`torchvision/resnet50`."""

    family: str
    task: str
    """`classification`, `detection`, `instance_segmentation`, `keypoints`, `segmentation`, `video`
    or `optical_flow`.
    """

    num_parameters: int
    """Of the default weights' structure, with the published head."""

    gflops: float
    num_features: int
    """Width of the vector that the head receives; 0 where the head takes feature maps."""

    weights: tuple[str, ...]
    """References, the default first, then by their first published metric."""

    default_weights: str
    min_image_px: int
    default_image_px: int
    """0 where the publisher's transform does not say."""

    is_buildable: bool
    is_quantized: bool
    float_twin: str
    """For a quantized architecture: the float one to fine-tune instead."""

    library: str
    licences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightEntry:
    """A published weight."""

    reference: str
    """`torchvision/ResNet50_Weights.IMAGENET1K_V2`."""

    architecture_id: str
    family: str
    task: str
    is_default: bool
    is_quantized: bool
    url: str
    file_name: str
    sha256_prefix: str
    """Hex digits in the published file name; empty for the four files that have none."""

    size_bytes: int
    """As published, rounded by the publisher to a thousandth of a MiB."""

    num_parameters: int
    gflops: float
    categories: tuple[str, ...]
    """Class names in the order of the outputs."""

    metrics: tuple[Metric, ...]
    recipe_url: str
    licence: str
    """`unknown` where the publisher says nothing."""

    description: str
    min_image_height_px: int
    min_image_width_px: int
    preprocessing: InputContract | None
    """Classification only: the transforms of the other tasks have no one size."""

    transform: Mapping[str, Any]
    """The publisher's whole evaluation transform: its kind and its numbers."""

    arguments: Mapping[str, Any]
    """Builder arguments that give the pretrained structure without weights."""
