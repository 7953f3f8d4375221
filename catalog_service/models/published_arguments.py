"""What a weight changes in its architecture's structure, as builder arguments. No torch.

torchvision's builders change their own arguments when weights are given, so a build without them
is another model (other tensors, another eps, other trained parameters) for 19 architectures. Here
are those changes as data; `builders.py` reads the words that torchvision's functions do not take.

Source: torchvision 0.29.2, the bodies of its builders. A test compares every weight.
"""

from collections.abc import Mapping
from typing import Any

RESNET_FROZEN = ["backbone.body.conv1", "backbone.body.bn1", "backbone.body.layer1"]
"""`trainable_backbone_layers=3` of the detectors with a ResNet."""

MOBILENET_FROZEN = [f"backbone.body.{index}" for index in range(7)]
"""`trainable_backbone_layers=3` of those with MobileNetV3."""

VGG_FROZEN = ["backbone.features.0", "backbone.features.2"]
"""`trainable_backbone_layers=4` of SSD; SSDLite trains everything."""

_FROZEN_NORMS = {"norm_layer": "frozen_batch_norm"}
_FROZEN_RESNET = {**_FROZEN_NORMS, "frozen_modules": RESNET_FROZEN}
_FROZEN_MOBILENET = {**_FROZEN_NORMS, "frozen_modules": MOBILENET_FROZEN}
_AUX_LOSS = {"aux_loss": True}
_SMALL_IMAGE = {"image_size": 224}

OF_ARCHITECTURE: Mapping[str, Mapping[str, Any]] = {
    "deeplabv3_mobilenet_v3_large": _AUX_LOSS,
    "deeplabv3_resnet50": _AUX_LOSS,
    "deeplabv3_resnet101": _AUX_LOSS,
    "fasterrcnn_mobilenet_v3_large_320_fpn": _FROZEN_MOBILENET,
    "fasterrcnn_mobilenet_v3_large_fpn": _FROZEN_MOBILENET,
    "fasterrcnn_resnet50_fpn": _FROZEN_RESNET,
    "fasterrcnn_resnet50_fpn_v2": {"frozen_modules": RESNET_FROZEN},
    "fcn_resnet50": _AUX_LOSS,
    "fcn_resnet101": _AUX_LOSS,
    "fcos_resnet50_fpn": _FROZEN_RESNET,
    "googlenet": {"transform_input": True, "aux_logits": False, "init_weights": True},
    "inception_v3": {"transform_input": True, "aux_logits": True, "init_weights": True},
    "keypointrcnn_resnet50_fpn": _FROZEN_RESNET,
    "maskrcnn_resnet50_fpn": _FROZEN_RESNET,
    "maskrcnn_resnet50_fpn_v2": {"frozen_modules": RESNET_FROZEN},
    "retinanet_resnet50_fpn": _FROZEN_RESNET,
    "retinanet_resnet50_fpn_v2": {"frozen_modules": RESNET_FROZEN},
    "ssd300_vgg16": {"frozen_modules": VGG_FROZEN},
    "vit_b_16": _SMALL_IMAGE,
    "vit_b_32": _SMALL_IMAGE,
    "vit_h_14": _SMALL_IMAGE,
    "vit_l_16": _SMALL_IMAGE,
    "vit_l_32": _SMALL_IMAGE,
}
"""The same for all of its weights."""

_NO_EPS = {"norm_eps": 0.0}

OF_WEIGHT: Mapping[str, Mapping[str, Any]] = {
    "FasterRCNN_ResNet50_FPN_Weights.COCO_V1": _NO_EPS,
    "KeypointRCNN_ResNet50_FPN_Weights.COCO_V1": _NO_EPS,
    "MaskRCNN_ResNet50_FPN_Weights.COCO_V1": _NO_EPS,
    "RetinaNet_ResNet50_FPN_Weights.COCO_V1": _NO_EPS,
    "ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1": {"image_size": 384},
    "ViT_H_14_Weights.IMAGENET1K_SWAG_E2E_V1": {"image_size": 518},
    "ViT_L_16_Weights.IMAGENET1K_SWAG_E2E_V1": {"image_size": 512},
}
"""For one weight, over the above. An eps is in no state: with another, equal tensors compute other
boxes.
"""


def published_arguments(architecture_id: str, weight: str) -> dict[str, Any]:
    """Return the builder arguments of a weight's structure.

    Args:
        architecture_id: of the float twin, for a quantized weight.
        weight: `ResNet50_Weights.IMAGENET1K_V2`.
    """
    return {**OF_ARCHITECTURE.get(architecture_id, {}), **OF_WEIGHT.get(weight, {})}
