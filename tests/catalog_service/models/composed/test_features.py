"""Vectors and pyramids: what a backbone sees, pooled or mixed by a neck."""

import pytest
import torch
import torchvision
from torch import Tensor, nn

from catalog_service.models.skeleton import build
from catalog_service.models.tasks import ClassificationTask, FeaturesTask, Task
from tests.fakes.composed_recipes import recipe_of


@pytest.mark.parametrize(
    ("backbone", "task", "width"),
    [
        ("resnet18", FeaturesTask(), 512),
        ("resnet18", FeaturesTask(pooling="max"), 512),
        ("resnet18", FeaturesTask(pooling="avg_max"), 1024),
        ("resnet18", FeaturesTask(pooling="gem"), 512),
        ("vit_b_16", FeaturesTask(), 768),
        ("vit_b_16", FeaturesTask(pooling="avg"), 768),
        ("dinov3_vits16", FeaturesTask(), 32),
        ("dinov3_convnext_tiny", FeaturesTask(), 32),
        ("dinov3_vits16", ClassificationTask(num_classes=3), 3),
        ("resnet18", ClassificationTask(num_classes=3, hidden_units=(8, 4), dropout=0.5), 3),
    ],
)
def test_pooled_gives_one_vector_an_image(backbone: str, task: Task, width: int) -> None:
    model = build(recipe_of(backbone, task)).eval()

    assert model(torch.rand(2, 3, 64, 64)).shape == (2, width)


def test_pooled_features_are_those_of_the_published_model() -> None:
    recipe = recipe_of("resnet18", FeaturesTask())
    ours, theirs = build(recipe).eval(), torchvision.models.resnet18(weights=None).eval()
    state = theirs.state_dict()
    ours.load_state_dict(
        {name: state[name.removeprefix("backbone.")] for name in ours.state_dict()}
    )
    theirs.fc = nn.Identity()
    batch = torch.rand(2, 3, 64, 64)

    with torch.no_grad():
        assert torch.equal(ours(batch), theirs(batch))


def test_generalised_mean_starts_between_mean_and_maximum() -> None:
    vectors = {}
    batch = torch.rand(1, 3, 64, 64)
    for pooling in ("avg", "gem", "max"):
        torch.manual_seed(0)
        model = build(recipe_of("resnet18", FeaturesTask(pooling=pooling))).eval()
        with torch.no_grad():
            vectors[pooling] = model(batch)

    assert (vectors["avg"] < vectors["gem"] + 1e-4).all()
    assert (vectors["gem"] < vectors["max"] + 1e-4).all()


@pytest.mark.parametrize("neck", ["none", "fpn", "bifpn", "pafpn", "transformer_encoder"])
def test_a_pyramid_keeps_the_names_and_sizes_of_the_maps(neck: str) -> None:
    model = build(recipe_of("resnet18", FeaturesTask(output="pyramid"), neck)).eval()

    maps: dict[str, Tensor] = model(torch.rand(1, 3, 96, 64))

    assert {name: tuple(each.shape[2:]) for name, each in maps.items()} == {
        "layer1": (24, 16),
        "layer2": (12, 8),
        "layer3": (6, 4),
        "layer4": (3, 2),
    }
    widths = {each.shape[1] for each in maps.values()}
    assert len(widths) == (1 if neck != "none" else 4)


def test_a_simple_pyramid_makes_four_sizes_of_one_map() -> None:
    recipe = recipe_of("dinov3_vits16", FeaturesTask(output="pyramid"), "simple_pyramid")

    maps = build(recipe).eval()(torch.rand(1, 3, 64, 96))

    assert [tuple(each.shape) for each in maps.values()] == [
        (1, 256, 16, 24),
        (1, 256, 8, 12),
        (1, 256, 4, 6),
        (1, 256, 2, 3),
    ]
