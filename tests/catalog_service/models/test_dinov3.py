"""DINOv3 from configurations of any size: counts, tokens, names and the buffer in no file."""

import sys
from dataclasses import replace
from subprocess import run

import pytest
import torch
from torch import nn

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.assemble import assembled
from catalog_service.models.families.table import families, family_of
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import build, skeleton

NUM_PARAMETERS = {
    "dinov3_vits16": 21_596_544,
    "dinov3_vits16plus": 28_692_864,
    "dinov3_vitb16": 85_660_416,
    "dinov3_vitl16": 303_129_600,
    "dinov3_vith16plus": 840_592_640,
    "dinov3_vit7b16": 6_716_035_072,
    "dinov3_convnext_tiny": 27_820_128,
    "dinov3_convnext_small": 49_454_688,
    "dinov3_convnext_base": 87_566_464,
    "dinov3_convnext_large": 196_230_336,
}
"""Of the published files. Source: Siméoni et al. 2025, table 2, and the files' headers."""

TINY = ("dinov3_vits16", "dinov3_convnext_tiny")


def test_parameter_counts_are_the_published_ones(skeletons: dict[str, nn.Module]) -> None:
    found = {
        name: sum(parameter.numel() for parameter in skeletons[name].parameters())
        for name in NUM_PARAMETERS
    }

    assert found == NUM_PARAMETERS


@pytest.mark.parametrize(
    ("size", "num_tokens"), [((224, 224), 201), ((512, 384), 773), ((225, 191), 159)]
)
def test_a_vit_gives_a_class_token_four_registers_and_the_patches(
    size: tuple[int, int], num_tokens: int
) -> None:
    """A border that is no whole patch is not seen: 225x191 is 14x11 patches."""
    recipe = tiny("dinov3_vits16")
    module = build(recipe).eval()

    with torch.no_grad():
        found = module(torch.zeros(1, 3, *size))

    assert found.last_hidden_state.shape == (1, num_tokens, 32)
    assert found.pooler_output.shape == (1, 32)


@pytest.mark.parametrize("name", TINY)
def test_an_assembled_module_computes_what_the_built_one_does(name: str) -> None:
    recipe, images = tiny(name), torch.rand(2, 3, 64, 48)
    wanted = build(recipe).eval()

    found = assembled(recipe, wanted.state_dict()).eval()

    with torch.no_grad():
        assert torch.equal(found(images).last_hidden_state, wanted(images).last_hidden_state)


def test_the_rotary_frequencies_are_in_no_state_and_right() -> None:
    """A non-persistent buffer: left on meta or filled with zeros, the forward would be noise."""
    recipe = tiny("dinov3_vits16")
    state = build(recipe).state_dict()

    found = assembled(recipe, state).get_buffer("rope_embeddings.inv_freq")

    head_width = 16
    wanted = 1 / 100.0 ** torch.arange(0, 1, 4 / head_width)
    assert "rope_embeddings.inv_freq" not in state
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("name", TINY)
def test_free_arguments_make_another_size(name: str) -> None:
    family = family_of(name)
    whole, small = published(name), tiny(name)

    assert set(family.tiny_arguments) <= set(family.free_arguments)
    assert 0 < num_parameters(skeleton(small)) < num_parameters(skeleton(whole)) / 9


def test_a_gated_mlp_has_the_activation_of_its_paper() -> None:
    """SwiGLU gates with SiLU; transformers' own default would be GELU."""
    module = build(replace_arguments(tiny("dinov3_vits16"), **gated("dinov3_vits16plus")))

    assert type(module.get_submodule("model.layer.0.mlp.act_fn")).__name__ == "SiLUActivation"


def test_transformers_is_imported_when_a_model_of_it_is_built() -> None:
    program = (
        "import sys\n"
        "from catalog_service.models.recipe import Recipe\n"
        "from catalog_service.models.skeleton import skeleton\n"
        "skeleton(Recipe(builder='torchvision/resnet18'))\n"
        "sys.exit('transformers' in sys.modules)"
    )

    assert run([sys.executable, "-c", program], check=False).returncode == 0


def test_every_family_has_a_member_for_small_tests(skeletons: dict[str, nn.Module]) -> None:
    for family in families().values():
        assert family.tiny_architecture in skeletons, family.name


def published(name: str) -> Recipe:
    return CatalogIndex.load().recipe_for(name)


def tiny(name: str) -> Recipe:
    return replace_arguments(published(name), **family_of(name).tiny_arguments)


def gated(name: str) -> dict[str, object]:
    wanted = ("use_gated_mlp", "hidden_act")
    return {key: published(name).arguments[key] for key in wanted}


def replace_arguments(recipe: Recipe, **arguments: object) -> Recipe:
    return replace(recipe, arguments={**recipe.arguments, **arguments})


def num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
