"""Backbones whose modules were put into an `nn.Sequential`, which has numbers for names.

Written so by `nn.Sequential(*list(model.children())[:-1])` (lightly's examples, fastai's bodies)
and by torchvision's own detectors, whose trunks are `model.features`.

Source: torch/nn/modules/container.py; torchvision/models/detection/backbone_utils.py; lightly,
examples/pytorch/simclr.py.
"""

from collections.abc import Mapping

from catalog_service.weights.naming_scheme import Place, Scheme

NAME = "sequential"
_SOURCE = "torch/nn/modules/container.py, Sequential"


def sequential(children: Mapping[str, str]) -> Scheme:
    """Return the scheme of a backbone whose children, by name, have numbers (or nothing)."""
    places = tuple(
        Place(ours=f"{ours}.**", theirs=f"{number}.**" if number else "**")
        for ours, number in children.items()
    )
    return Scheme(name=NAME, source=_SOURCE, places=places)


_FEATURES = (sequential({"features": ""}),)
"""Numbers of all children, `0.0.0.weight`, have the prefix `0.` in front of these."""

SEQUENTIAL_SCHEMES: Mapping[str, tuple[Scheme, ...]] = {
    **dict.fromkeys(
        (
            "alexnet",
            "convnext",
            "densenet",
            "efficientnet",
            "mobilenet_v2",
            "mobilenet_v3",
            "squeezenet",
            "vgg",
        ),
        _FEATURES,
    ),
    "mnasnet": (sequential({"layers": ""}),),
    "regnet": (sequential({"stem": "0", "trunk_output": "1"}),),
    "shufflenet_v2": (
        sequential({"conv1": "0", "stage2": "2", "stage3": "3", "stage4": "4", "conv5": "5"}),
    ),
    "swin": (sequential({"features": "0", "norm": "1"}),),
}
"""By family. Numbers that are left out are of modules without tensors, such as a pooling."""
