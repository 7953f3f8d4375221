"""Hidden layers, dropout, regression and identity in place of the last layer."""

import pytest
import torch
from torch import nn

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.output_contract import final_width
from catalog_service.models.families.table import family_of
from catalog_service.models.skeleton import build, skeleton


def test_hidden_layers_stand_in_place_of_the_last_one(index: CatalogIndex) -> None:
    head = {"kind": "classification", "num_outputs": 3, "hidden_units": [8], "dropout": 0.25}

    fc = skeleton(index.recipe_for("resnet18", head=head)).get_submodule("fc")

    assert [type(layer).__name__ for layer in fc.children()] == [
        "Dropout",
        "Linear",
        "ReLU",
        "Dropout",
        "Linear",
    ]
    assert [layer.p for layer in fc.children() if isinstance(layer, nn.Dropout)] == [0.25, 0.25]


def test_a_dropout_before_the_last_layer_gets_the_asked_probability(index: CatalogIndex) -> None:
    """Two in a row would be another one."""
    head = {"kind": "classification", "num_outputs": 3, "dropout": 0.75}

    module = skeleton(index.recipe_for("efficientnet_b0", head=head))

    assert module.get_submodule("classifier.0").p == 0.75
    assert isinstance(module.get_submodule("classifier.1"), nn.Linear)


@pytest.mark.parametrize(("name", "has_own"), [("vgg11", True), ("alexnet", False)])
def test_a_dropout_further_up_is_left_alone(index: CatalogIndex, name: str, has_own: bool) -> None:
    """AlexNet's last layer has none right before it: ours comes first in its place."""
    head = {"kind": "classification", "num_outputs": 3, "dropout": 0.75}

    classifier = skeleton(index.recipe_for(name, head=head)).get_submodule("classifier")

    at = [path for path, layer in classifier.named_modules() if getattr(layer, "p", 0) == 0.75]
    assert at == (["5"] if has_own else ["6.0"])


def test_squeezenets_hidden_layers_are_convolutions(index: CatalogIndex) -> None:
    head = {"kind": "regression", "num_outputs": 3, "hidden_units": [8]}

    module = skeleton(index.recipe_for("squeezenet1_1", head=head)).eval()

    assert isinstance(module.get_submodule("classifier.1.2"), nn.Conv2d)
    assert module(torch.empty(2, 3, 32, 32, device="meta")).shape == (2, 3)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ({"kind": "classification", "num_outputs": 3}, nn.ReLU),
        ({"kind": "classification", "num_outputs": 3, "multilabel": True}, nn.Identity),
        ({"kind": "regression", "num_outputs": 3}, nn.Identity),
    ],
)
def test_squeezenets_last_relu_stays_for_softmax_alone(
    index: CatalogIndex, head: dict[str, object], kind: type[nn.Module]
) -> None:
    """Behind it no sigmoid is below a half, and no value below zero."""
    module = skeleton(index.recipe_for("squeezenet1_1", head=head))

    assert isinstance(module.get_submodule("classifier.2"), kind)


SMALLEST = {
    "alexnet": 63,
    "convnext_tiny": 32,
    "densenet121": 32,
    "efficientnet_b0": 32,
    "googlenet": 32,
    "inception_v3": 75,
    "mnasnet0_5": 32,
    "mobilenet_v2": 32,
    "mobilenet_v3_small": 32,
    "regnet_y_400mf": 32,
    "resnet18": 32,
    "shufflenet_v2_x0_5": 32,
    "squeezenet1_1": 32,
    "swin_t": 32,
}
"""One of each family that computes a small image in a moment -> side."""


@pytest.mark.parametrize("name", SMALLEST)
def test_a_regression_can_be_negative(index: CatalogIndex, name: str) -> None:
    assert_negative(index, name, SMALLEST[name])


@pytest.mark.full
def test_every_regression_can_be_negative(index: CatalogIndex) -> None:
    names = [e for e in index.architectures if e.task == "classification" and e.is_buildable]
    for entry in names:
        assert_negative(index, entry.architecture_id, entry.default_image_px)


def assert_negative(index: CatalogIndex, name: str, side: int) -> None:
    """Both signs come out of one layer and its negative."""
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        recipe = index.recipe_for(name, head={"kind": "regression", "num_outputs": 4})
        module = build(recipe).eval()
        last = module.get_submodule(family_of(name).final_layer)
        images = torch.randn(1, 3, side, side)
        with torch.no_grad():
            nn.init.normal_(last.get_parameter("weight"))
            upright = module(images)
            last.get_parameter("weight").neg_()
            negative = module(images)

    assert upright.shape == (1, 4)
    assert torch.minimum(upright, negative).min() < 0, name


@pytest.mark.parametrize(
    ("name", "width"),
    [("resnet18", 512), ("squeezenet1_1", 512), ("vgg11", 4096), ("mobilenet_v3_small", 1024)],
)
def test_identity_gives_what_the_last_layer_took(
    index: CatalogIndex, name: str, width: int
) -> None:
    module = skeleton(index.recipe_for(name, head={"kind": "identity"})).eval()

    assert module(torch.empty(2, 3, 32, 32, device="meta")).shape == (2, width)
    assert final_width(index.architecture(name)) == width
