"""Random numbers come from a seed, are the architecture's own kind, and disturb nobody."""

import pytest
import torch
from torch import Tensor

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.describe import describe
from catalog_service.models.families.table import families, family_of
from catalog_service.models.initialise import HEAD_INITS, draw_head, random_state
from catalog_service.models.layout import StateLayout, is_inside
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.skeleton import build

SMALLEST = [
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "googlenet",
    "inception_v3",
    "maxvit_t",
    "mnasnet0_5",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_y_400mf",
    "resnet18",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
    "swin_t",
    "vit_b_32",
]
"""One of each family, but for AlexNet, VGG, ResNeXt and Wide ResNet, whose heads are among these
kinds and whose CPU builds take seconds.
"""

NUM_CLASSES = 500


def random_head(recipe: Recipe, seed: int) -> dict[str, torch.Tensor]:
    return draw_head(recipe, describe(recipe), seed)


@pytest.mark.parametrize("name", SMALLEST)
def test_a_new_head_is_of_the_architectures_own_kind(index: CatalogIndex, name: str) -> None:
    recipe = index.recipe_for(name, head=classification_head(NUM_CLASSES))
    with torch.random.fork_rng(devices=[]):
        own = build(recipe).state_dict()

    drawn = random_head(recipe, 1)

    assert drawn
    for key, tensor in drawn.items():
        assert tensor.shape == own[key].shape, key
        torch.testing.assert_close(spread(tensor), spread(own[key]), rtol=0.1, atol=2e-3)


def test_every_family_names_a_known_initialisation() -> None:
    named = {family.head_init for family in families().values()}

    assert named == {*HEAD_INITS, "library"}


LIBRARY_HEADS = {
    "fasterrcnn_mobilenet_v3_large_320_fpn": {"kind": "detection", "num_outputs": 91},
    "maskrcnn_resnet50_fpn": {"kind": "instance_segmentation", "num_outputs": 30},
    "keypointrcnn_resnet50_fpn": {"kind": "keypoints", "num_outputs": 20, "num_points": 40},
    "retinanet_resnet50_fpn": {"kind": "detection", "num_outputs": 30},
    "fcos_resnet50_fpn": {"kind": "detection", "num_outputs": 30},
    "ssd300_vgg16": {"kind": "detection", "num_outputs": 30},
    "ssdlite320_mobilenet_v3_large": {"kind": "detection", "num_outputs": 30},
    "deeplabv3_mobilenet_v3_large": {"kind": "segmentation", "num_outputs": 30, "aux": True},
    "lraspp_mobilenet_v3_large": {"kind": "segmentation", "num_outputs": 30},
    "googlenet": {"kind": "classification", "num_outputs": 500, "aux": True},
    "inception_v3": {"kind": "classification", "num_outputs": 500, "aux": True},
    "r3d_18": {"kind": "classification", "num_outputs": 500},
}
"""Families whose layers start in several ways, and auxiliary heads."""


@pytest.mark.parametrize("name", LIBRARY_HEADS)
def test_every_new_layer_starts_as_the_librarys_own(index: CatalogIndex, name: str) -> None:
    recipe = index.recipe_for(name, head=LIBRARY_HEADS[name])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        own = build(recipe).state_dict()

    drawn = random_head(recipe, 1)

    roots = family_of(name).replaced_modules
    assert drawn.keys() == {key for key in own if any(is_inside(key, root) for root in roots)}
    for key, tensor in drawn.items():
        assert tensor.shape == own[key].shape, key
        scale = own[key].abs().max().clamp(min=1e-3)
        noise = 0.02 + 3 / tensor.numel() ** 0.5
        ours, theirs = spread(tensor / scale), spread(own[key] / scale)
        torch.testing.assert_close(ours, theirs, rtol=0, atol=noise, msg=key)


def test_hidden_layers_start_as_torchs_own_and_the_last_as_the_familys(
    index: CatalogIndex,
) -> None:
    head = {"kind": "classification", "num_outputs": 5, "hidden_units": [64]}
    recipe = index.recipe_for("vit_b_32", head=head)

    drawn = random_head(recipe, 1)

    assert list(drawn) == [
        f"heads.head.{at}.{name}" for at in (0, 2) for name in ("weight", "bias")
    ]
    assert drawn["heads.head.0.weight"].std() > 0.01
    assert not drawn["heads.head.2.weight"].any()


def test_every_new_head_is_complete(
    index: CatalogIndex, new_head_layouts: dict[str, StateLayout]
) -> None:
    for name, layout in new_head_layouts.items():
        drawn = draw_head(index.recipe_for(name, head=classification_head(7)), layout, 0)

        assert all(bool(tensor.isfinite().all()) for tensor in drawn.values()), name
        assert {key: tuple(tensor.shape) for key, tensor in drawn.items()} == {
            t.name: t.shape
            for t in layout.tensors
            if t.name.startswith(f"{family_of(name).final_layer}.")
        }, name


def test_the_seed_decides(index: CatalogIndex) -> None:
    recipe = index.recipe_for("resnet18", head=classification_head(5))

    assert same(random_head(recipe, 7), random_head(recipe, 7))
    assert not same(random_head(recipe, 7), random_head(recipe, 8))


def test_a_whole_random_state_is_a_function_of_its_seed(index: CatalogIndex) -> None:
    recipe = index.recipe_for("squeezenet1_1", head=classification_head(5))

    first, again, other = (random_state(recipe, seed) for seed in (3, 3, 4))

    assert same(first, again)
    assert not same(first, other)


def test_a_random_backbone_does_not_depend_on_the_head(index: CatalogIndex) -> None:
    few, many = (random_state(headed(index, count), 3) for count in (5, 6))

    assert all(
        torch.equal(few[name], many[name]) for name in few if not name.startswith("classifier.1.")
    )


def test_the_global_generator_is_left_alone(index: CatalogIndex) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2718)
        before = torch.get_rng_state()

        random_state(headed(index, 5), 3)
        random_head(headed(index, 5), 3)

        assert torch.equal(torch.get_rng_state(), before)


def test_the_global_generator_has_no_influence(index: CatalogIndex) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        first = random_state(headed(index, 5), 3)
        torch.manual_seed(2)
        second = random_state(headed(index, 5), 3)

    assert same(first, second)


def headed(index: CatalogIndex, num_classes: int) -> Recipe:
    return index.recipe_for("squeezenet1_1", head=classification_head(num_classes))


def spread(tensor: Tensor) -> Tensor:
    """Return mean and standard deviation: equal for two draws of one distribution, nearly."""
    return torch.stack([tensor.mean(), tensor.std()])


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )
