"""Family -> the module that describes it. A new family is one file and one line here."""

from functools import cache
from importlib import import_module

from catalog_service.models.families.family import Family

_HERE = "catalog_service.models.families"

FAMILIES = {
    "alexnet": f"{_HERE}.alexnet",
    "convnext": f"{_HERE}.convnext",
    "deeplabv3": f"{_HERE}.deeplabv3",
    "densenet": f"{_HERE}.densenet",
    "dinov3_convnext": f"{_HERE}.dinov3_convnext",
    "dinov3_vit": f"{_HERE}.dinov3_vit",
    "efficientnet": f"{_HERE}.efficientnet",
    "faster_rcnn": f"{_HERE}.faster_rcnn",
    "fcn": f"{_HERE}.fcn",
    "fcos": f"{_HERE}.fcos",
    "googlenet": f"{_HERE}.googlenet",
    "inception_v3": f"{_HERE}.inception_v3",
    "keypoint_rcnn": f"{_HERE}.keypoint_rcnn",
    "lraspp": f"{_HERE}.lraspp",
    "mask_rcnn": f"{_HERE}.mask_rcnn",
    "maxvit": f"{_HERE}.maxvit",
    "mnasnet": f"{_HERE}.mnasnet",
    "mobilenet_v2": f"{_HERE}.mobilenet_v2",
    "mobilenet_v3": f"{_HERE}.mobilenet_v3",
    "mvit": f"{_HERE}.mvit",
    "raft": f"{_HERE}.raft",
    "regnet": f"{_HERE}.regnet",
    "resnet": f"{_HERE}.resnet",
    "resnext": f"{_HERE}.resnext",
    "retinanet": f"{_HERE}.retinanet",
    "s3d": f"{_HERE}.s3d",
    "shufflenet_v2": f"{_HERE}.shufflenet_v2",
    "squeezenet": f"{_HERE}.squeezenet",
    "ssd": f"{_HERE}.ssd",
    "ssdlite": f"{_HERE}.ssdlite",
    "swin": f"{_HERE}.swin",
    "vgg": f"{_HERE}.vgg",
    "video_resnet": f"{_HERE}.video_resnet",
    "video_swin": f"{_HERE}.video_swin",
    "vit": f"{_HERE}.vit",
    "wide_resnet": f"{_HERE}.wide_resnet",
}
"""Each module has one `FAMILY`."""


@cache
def families() -> dict[str, Family]:
    """Return architecture -> family, for every architecture that can be built."""
    found = [import_module(path).FAMILY for path in FAMILIES.values()]
    return {architecture: family for family in found for architecture in family.stages}


def family_of(architecture_id: str) -> Family:
    """Return the family of a buildable architecture.

    Raises:
        LookupError: no family file lists it; the index says which architectures are buildable.
    """
    return families()[architecture_id]
