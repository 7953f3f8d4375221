"""One architecture of every family, its smallest image, and its library's own pretrained build."""

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import nn

from catalog_service.index.catalog_index import CatalogIndex
from tests.fakes.golden_vectors import Case
from tests.fakes.patched_loader import loading_from
from tests.fakes.published_weights import PublishedFile


def _images(architecture_id: str, side_px: int, head: str, **facts: Any) -> Case:
    shape = (3, side_px, side_px)
    return Case(architecture_id=architecture_id, input_shape=shape, head=head, **facts)


def _masks(architecture_id: str, head: str) -> Case:
    return _images(architecture_id, 32, head, new_task="segmentation")


def _boxes(architecture_id: str, head: str, task: str = "detection", **facts: Any) -> Case:
    return _images(
        architecture_id, 64, head, style="list", new_task=task, **{"resizes_to_px": 64, **facts}
    )


def _clip(architecture_id: str, frames: int, side_px: int, head: str) -> Case:
    shape = (3, frames, side_px, side_px)
    return Case(architecture_id=architecture_id, input_shape=shape, head=head)


FIRST_VERSION = {"naive_arguments": {"weights_backbone": None}}
"""COCO_V1 of 2019: batch norms without an eps, which only the build with weights knows."""

QUICK = (
    _images("shufflenet_v2_x0_5", 32, "fc"),
    _images("googlenet", 32, "fc", naive_arguments={"init_weights": False}),
    _masks("lraspp_mobilenet_v3_large", "classifier.high_classifier"),
    _images("dinov3_vits16", 32, "pooler_output", new_head="head"),
    _boxes("retinanet_resnet50_fpn", "head.classification_head.cls_logits", **FIRST_VERSION),
)

SLOW = (
    _images("alexnet", 63, "classifier.6"),
    _images("convnext_tiny", 32, "classifier.2"),
    _images("densenet121", 32, "classifier"),
    _images("dinov3_convnext_tiny", 32, "pooler_output", new_head="head"),
    _images("efficientnet_b0", 32, "classifier.1"),
    _images("inception_v3", 75, "fc", naive_arguments={"init_weights": False}),
    _images("maxvit_t", 224, "classifier.5"),
    _images("mnasnet0_5", 32, "classifier.1"),
    _images("mobilenet_v2", 32, "classifier.1"),
    _images("mobilenet_v3_small", 32, "classifier.3"),
    _images("regnet_y_400mf", 32, "fc"),
    _images("resnet18", 32, "fc"),
    _images("resnext50_32x4d", 32, "fc"),
    _images("squeezenet1_1", 32, "classifier.1"),
    _images("swin_t", 224, "head"),
    _images("vgg11", 32, "classifier.6"),
    _images("vit_b_16", 224, "heads.head"),
    _images("wide_resnet50_2", 32, "fc"),
    _masks("deeplabv3_mobilenet_v3_large", "classifier.4"),
    _masks("fcn_resnet50", "classifier.4"),
    _boxes("fasterrcnn_mobilenet_v3_large_320_fpn", "roi_heads.box_predictor"),
    _boxes("fasterrcnn_resnet50_fpn", "roi_heads.box_predictor", **FIRST_VERSION),
    _boxes("fcos_resnet50_fpn", "head.classification_head.cls_logits"),
    _boxes("keypointrcnn_resnet50_fpn", "roi_heads.box_predictor", "keypoints", **FIRST_VERSION),
    _boxes(
        "maskrcnn_resnet50_fpn",
        "roi_heads.box_predictor",
        "instance_segmentation",
        **FIRST_VERSION,
    ),
    _boxes("ssd300_vgg16", "head.classification_head.module_list", resizes_to_px=0),
    _boxes(
        "ssdlite320_mobilenet_v3_large", "head.classification_head.module_list", resizes_to_px=0
    ),
    _clip("mc3_18", 4, 32, "fc"),
    _clip("mvit_v2_s", 16, 224, "head.1"),
    _clip("s3d", 16, 224, "classifier.1"),
    _clip("swin3d_t", 4, 224, "head"),
    _images("raft_small", 128, "", style="pair", new_task=""),
)

CASES = {case.architecture_id: case for case in (*QUICK, *SLOW)}

HUB_MODELS = {
    "dinov3_vit": ("dinov3_vit", "DINOv3ViT"),
    "dinov3_convnext": ("dinov3_convnext", "DINOv3ConvNext"),
}
"""Family -> package of transformers, and what its classes begin with."""


def pretrained(case: Case, file: PublishedFile, folder: Path) -> nn.Module:
    """Return the library's own pretrained build, whose loader reads `file`.

    Args:
        folder: new or empty; for what `from_pretrained` wants to find.
    """
    entry = CatalogIndex.load().weight(file.reference)
    if entry.family in HUB_MODELS:
        return _from_pretrained(entry.family, dict(entry.arguments), file, folder)
    member = file.reference.removeprefix("torchvision/")
    with loading_from(file.path):
        module: nn.Module = torchvision.models.get_model(
            case.architecture_id, weights=member, progress=False, **case.size_arguments
        )
    return module


def _from_pretrained(
    family: str, arguments: dict[str, Any], file: PublishedFile, folder: Path
) -> nn.Module:
    room, name = HUB_MODELS[family]
    library = import_module(f"transformers.models.{room}")
    getattr(library, f"{name}Config")(**arguments).save_pretrained(folder)
    (folder / "model.safetensors").symlink_to(file.path)
    module: nn.Module = getattr(library, f"{name}Model").from_pretrained(folder)
    return module


def naive(case: Case, file: PublishedFile) -> nn.Module:
    """Return what most people write: the builder without weights, then a strict load."""
    assert case.naive_arguments is not None
    arguments = {**case.naive_arguments, **case.size_arguments}
    module: nn.Module = torchvision.models.get_model(
        case.architecture_id, weights=None, **arguments
    )
    module.load_state_dict(torch.load(file.path, weights_only=True))
    return module
