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
class FeatureMapEntry:
    """A place in a backbone where a feature map can be taken."""

    name: str
    """The stage after which it is taken."""

    stride_px: int
    num_channels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureEntry:
    """A model without numbers."""

    architecture_id: str
    builder: str
    """`torchvision/resnet50`."""

    family: str
    task: str
    """`classification`, `detection`, `instance_segmentation`, `keypoints`, `segmentation`, `video`,
    `optical_flow` or `features`.
    """

    num_parameters: int
    """Of the default weights' structure, with the published head."""

    gflops: float
    num_features: int
    """Width of the vector that the head receives, or that comes out where there is no head; 0 where
    the head takes feature maps.
    """

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
    backbone_architecture: str
    """The architecture that its backbone is: `resnet50` for `fcn_resnet50`, itself for `resnet50`;
    empty for what cannot be built.
    """

    feature_maps: tuple[FeatureMapEntry, ...]
    """Finest first; empty where it has none."""

    activation_bytes: int
    """What a training of everything keeps of one image of the default size in single precision."""


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
    is_gated: bool
    """Whether the publisher serves it only to those who have accepted its terms."""

    url: str
    file_name: str
    sha256_prefix: str
    """Hex digits in the published file name; empty for the files that have none."""

    size_bytes: int
    """As published, rounded by the publisher to a thousandth of a MiB; four bytes a parameter where
    the publisher does not say.
    """

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
    preprocessing: InputContract
    """Without `sizes`, which are measured and not published."""

    transform: Mapping[str, Any]
    """The publisher's whole evaluation transform: its kind and its numbers."""

    arguments: Mapping[str, Any]
    """Builder arguments that give the pretrained structure without weights."""
