"""The size rules against the models themselves: the smallest side runs, one pixel less raises.

On meta, so only shapes are computed: errors that depend on numbers are not seen here.
"""

import pytest
import torch
from torch import nn

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.size_limits import Sizes, sizes_of
from catalog_service.models.families.table import family_of
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import skeleton

SMALLEST = [
    "alexnet",
    "convnext_tiny",
    "deeplabv3_mobilenet_v3_large",
    "densenet121",
    "dinov3_convnext_tiny",
    "dinov3_vits16",
    "efficientnet_b0",
    "fcn_resnet50",
    "googlenet",
    "inception_v3",
    "lraspp_mobilenet_v3_large",
    "maxvit_t",
    "mnasnet0_5",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_y_400mf",
    "resnet18",
    "resnext50_32x4d",
    "shufflenet_v2_x0_5",
    "squeezenet1_0",
    "squeezenet1_1",
    "swin_t",
    "swin_v2_t",
    "vgg11",
    "vit_b_32",
    "wide_resnet50_2",
]
"""The smallest of each family, and of each half of those with two."""

TASKS = ("classification", "segmentation", "features")

RAISED = (RuntimeError, ValueError, AssertionError)


def test_every_family_that_takes_batches_of_images_is_tried(index: CatalogIndex) -> None:
    families = {entry.family for entry in index.architectures if entry.task in TASKS}

    assert {family_of(name).name for name in SMALLEST} == families


@pytest.mark.parametrize("name", SMALLEST)
def test_the_smallest_sizes_run_and_one_pixel_less_raises(index: CatalogIndex, name: str) -> None:
    assert_measured(index, name)


@pytest.mark.full
def test_so_do_all_architectures(index: CatalogIndex) -> None:
    for entry in index.architectures:
        if entry.is_buildable and entry.task in TASKS and entry.architecture_id not in SMALLEST:
            assert_measured(index, entry.architecture_id)


def assert_measured(index: CatalogIndex, name: str) -> None:
    family = family_of(name)
    for keeps_aux in (False, True) if family.aux_argument else (False,):
        recipe = headed(index, name, keeps_aux=keeps_aux)
        side = family.size.default_px
        sizes = sizes_of(family.size, name, (side, side), keeps_aux=keeps_aux)
        model = skeleton(recipe)
        if sizes.is_fixed:
            assert_fixed(model, sizes, index.default_weight(name).arguments)
        else:
            assert_smallest(model, sizes)


def assert_smallest(model: nn.Module, sizes: Sizes) -> None:
    least, trains = sizes.min_px, sizes.min_training_px
    assert runs(model.eval(), 1, least)
    assert least == 1 or not runs(model.eval(), 1, least - 1)
    assert runs(model.train(), sizes.min_batch(trains, trains), trains)
    assert trains == least or not runs(model.train(), 2, trains - 1)
    if sizes.single_px:
        assert sizes.min_batch(sizes.single_px, sizes.single_px) == 2
        assert not runs(model.train(), 1, sizes.single_px)
        assert runs(model.train(), 1, sizes.single_px + 1)
    if sizes.training_batch == 2:
        assert not runs(model.train(), 1, 224)


def assert_fixed(model: nn.Module, sizes: Sizes, arguments: dict[str, object]) -> None:
    """MaxViT at 221 to 223 runs, too: its first convolution rounds up to the maps of 224."""
    built = arguments.get("image_size", sizes.built_px[0])
    assert isinstance(built, int)
    for mode in (model.eval(), model.train()):
        assert runs(mode, sizes.min_batch(built, built), built)
        assert not runs(mode, 2, built - 4)
        assert not runs(mode, 2, built + 1)


@pytest.mark.parametrize(
    ("name", "argument", "size"),
    [
        ("vit_b_32", "image_size", 64),
        ("vit_b_32", "image_size", [32, 96]),
        ("maxvit_t", "input_size", [448, 448]),
    ],
)
def test_a_fixed_model_runs_at_each_size_that_can_be_asked_for(
    index: CatalogIndex, name: str, argument: str, size: int | list[int]
) -> None:
    recipe = headed(index, name, arguments={argument: size})
    height, width = (size, size) if isinstance(size, int) else size

    outputs = skeleton(recipe).eval()(torch.empty(1, 3, height, width, device="meta"))

    assert outputs.shape == (1, 3)
    rule = family_of(name).size
    nearest = sizes_of(rule, name, (rule.default_px,) * 2).nearest(height, width)
    assert nearest[0] == (height, width)


def test_maxvit_takes_squares_alone(index: CatalogIndex) -> None:
    """torchvision's grid attention counts the windows of the height for both sides."""
    model = skeleton(headed(index, "maxvit_t", arguments={"input_size": [448, 224]})).eval()

    with pytest.raises(RAISED):
        model(torch.empty(1, 3, 448, 224, device="meta"))
    rule = family_of("maxvit_t").size
    sizes = sizes_of(rule, "maxvit_t", (224, 224))
    assert sizes.nearest(448, 230) == ((448, 448), (224, 224))


def test_maxvit_cannot_be_built_for_a_size_between() -> None:
    """Its maps must be divisible by the windows of 7."""
    recipe = Recipe(builder="torchvision/maxvit_t", arguments={"input_size": [256, 256]})

    with pytest.raises(RAISED):
        skeleton(recipe)


def headed(
    index: CatalogIndex,
    name: str,
    *,
    keeps_aux: bool = False,
    arguments: dict[str, object] | None = None,
) -> Recipe:
    entry = index.architecture(name)
    head = None
    if entry.task != "features":
        head = {"kind": entry.task, "num_outputs": 3, "aux": keeps_aux}
    recipe = index.recipe_for(name, head=head)
    return Recipe(
        builder=recipe.builder, arguments={**recipe.arguments, **(arguments or {})}, head=head
    )


def runs(model: nn.Module, batch: int, side: int) -> bool:
    try:
        model(torch.empty(batch, 3, side, side, device="meta"))
    except RAISED:
        return False
    return True
