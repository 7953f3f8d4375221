"""Modules that are left out: what is left runs, or the module that breaks is named."""

import pytest
from torch import nn

from catalog_service.errors import InvalidRequest
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import skeleton
from catalog_service.models.structure_check import check_structure

DETECTOR = "fasterrcnn_mobilenet_v3_large_320_fpn"
AUX = {
    "recipe": Recipe(
        builder="torchvision/fcn_resnet50",
        arguments={"aux_loss": True},
        removed_modules=("aux_classifier",),
    ).to_json()
}


def order(*removed: str, name: str = "resnet18", size: int = 64) -> dict[str, object]:
    recipe = Recipe(builder=f"torchvision/{name}", removed_modules=removed)
    return {"recipe": recipe.to_json(), "shape": [1, 3, size, size]}


@pytest.mark.parametrize("removed", [("layer1.0.relu",), ("layer1.1", "layer2.1"), ("maxpool",)])
def test_what_keeps_shapes_can_be_left_out(removed: tuple[str, ...]) -> None:
    assert check_structure(order(*removed)) == {}


def test_the_place_is_identity() -> None:
    module = skeleton(Recipe(builder="torchvision/resnet18", removed_modules=("fc", "layer1.0")))

    assert isinstance(module.get_submodule("fc"), nn.Identity)
    assert isinstance(module.get_submodule("layer1.0"), nn.Identity)


@pytest.mark.parametrize(
    ("removed", "broken"), [("layer4", "'fc'"), ("layer2", "'layer3.0.conv1'"), ("avgpool", "'fc'")]
)
def test_the_module_whose_input_breaks_is_named(removed: str, broken: str) -> None:
    with pytest.raises(InvalidRequest, match=f"without '{removed}' the input of {broken} is not"):
        check_structure(order(removed))


def test_a_layer_that_makes_the_output_is_left_out_by_a_task_instead() -> None:
    """Its output contract would still speak of 1000 classes."""
    why = r"without 'fc' the model gives \[\[1, 512\]\] and not \[\[1, 1000\]\].*task 'features'"
    with pytest.raises(InvalidRequest, match=why):
        check_structure(order("fc"))


def test_an_auxiliary_head_is_not_left_out_as_a_module() -> None:
    with pytest.raises(InvalidRequest, match="without 'aux_classifier' the model gives"):
        check_structure({**order(), **AUX})


def test_an_unknown_path_has_near_ones() -> None:
    with pytest.raises(InvalidRequest, match=r"no module 'layer1\.2' in this model; closest are"):
        check_structure(order("layer1.2"))


def test_a_detectors_parts_are_tried_too() -> None:
    assert check_structure(order("roi_heads.box_head.fc7", name=DETECTOR, size=320)) == {}
    with pytest.raises(InvalidRequest, match=r"input of 'roi_heads\.box_head\.fc7'"):
        check_structure(order("roi_heads.box_head.fc6", name=DETECTOR, size=320))
