"""Family -> the module that describes it. A new family is one file and one line here."""

from functools import cache
from importlib import import_module

from catalog_service.models.families.family import Family

_HERE = "catalog_service.models.families"

FAMILIES = {
    "alexnet": f"{_HERE}.alexnet",
    "convnext": f"{_HERE}.convnext",
    "densenet": f"{_HERE}.densenet",
    "efficientnet": f"{_HERE}.efficientnet",
    "googlenet": f"{_HERE}.googlenet",
    "inception_v3": f"{_HERE}.inception_v3",
    "maxvit": f"{_HERE}.maxvit",
    "mnasnet": f"{_HERE}.mnasnet",
    "mobilenet_v2": f"{_HERE}.mobilenet_v2",
    "mobilenet_v3": f"{_HERE}.mobilenet_v3",
    "regnet": f"{_HERE}.regnet",
    "resnet": f"{_HERE}.resnet",
    "resnext": f"{_HERE}.resnext",
    "shufflenet_v2": f"{_HERE}.shufflenet_v2",
    "squeezenet": f"{_HERE}.squeezenet",
    "swin": f"{_HERE}.swin",
    "vgg": f"{_HERE}.vgg",
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
