"""A file that a scheme takes computes here what it computes where it comes from.

Names and shapes alone would let a permuted query, a stride elsewhere or another epsilon pass.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torchvision.models import get_model
from transformers import (
    ConvNextConfig,
    ConvNextModel,
    ResNetConfig,
    ResNetModel,
    SwinConfig,
    SwinModel,
    ViTConfig,
    ViTModel,
)

from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.checkpoints.remap import Remap, StateDiffers, remap, remap_tree
from catalog_service.checkpoints.trees import Tree
from catalog_service.models.compose import compose_backbone
from catalog_service.models.describe import describe
from catalog_service.models.dtypes import spelling_of
from catalog_service.models.families.table import family_of
from catalog_service.models.layout import StateLayout
from catalog_service.models.recipe import Recipe
from catalog_service.models.source import Source
from catalog_service.weights.schemes.vit import VIT_SCHEMES
from tests.fakes.foreign_forwards import meta_convnext_map, timm_convnext_map, timm_vit_tokens
from tests.fakes.foreign_states import (
    meta_convnext_tiny,
    microsoft_swin,
    timm_convnext_tiny,
    timm_vit_b_16,
)

HEADS = 12
WIDTHS = [64, 128, 256, 512]
"""Of the stages of a ResNet-18."""

QUICK = ("resnet18", "shufflenet_v2_x0_5")


def in_full(*values: object) -> object:
    return pytest.param(*values, marks=pytest.mark.full)


@pytest.fixture(autouse=True)
def one_thread_and_one_seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def drawn_numbers(module: nn.Module) -> nn.Module:
    """Return the module with numbers that leave nothing at 0 or 1, in evaluation."""
    for name, tensor in module.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(torch.rand_like(tensor) + 0.5)
        elif tensor.is_floating_point():
            tensor.copy_(torch.randn_like(tensor) * 0.05 + (tensor.ndim == 1))
    return module.eval()


def imported(
    name: str,
    state: Mapping[str, Tensor],
    folder: Path,
    find: Callable[..., Remap] = remap,
    **arguments: int,
) -> nn.Module:
    """Return torchvision's module with a foreign file's backbone, fitted as registrations are."""
    recipe = Recipe(builder=f"torchvision/{name}", arguments=arguments)
    specs = [
        TensorSpec(name=key, dtype=spelling_of(t.dtype), shape=tuple(t.shape))
        for key, t in state.items()
    ]
    mapped = find(specs, describe(recipe), family_of(name).name)
    file = folder / "file.safetensors"
    save_file({new: state[old].contiguous().clone() for old, new in mapped.names.items()}, file)
    source = Source(path=file, recipe=recipe, rewrite=mapped.rewrite)
    module = get_model(name, weights=None, **arguments)
    state = module.state_dict()  # with its metadata, which MNASNet asks for
    state.update(compose_backbone(recipe, source).state)
    module.load_state_dict(state)
    return module.eval()


def assert_same(found: Tensor, wanted: Tensor) -> None:
    """The same sums, in another order."""
    assert wanted.std() > 1e-3, "an output that says something"
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


FEATURES = attrgetter("features")


def but_the_last(module: nn.Module) -> nn.Module:
    return nn.Sequential(*list(module.children())[:-1])


SEQUENTIAL: dict[str, Callable[[nn.Module], nn.Module]] = {
    "alexnet": FEATURES,
    "convnext_tiny": FEATURES,
    "densenet121": but_the_last,
    "efficientnet_b0": FEATURES,
    "mnasnet0_5": attrgetter("layers"),
    "mobilenet_v2": but_the_last,
    "mobilenet_v3_small": FEATURES,
    "regnet_x_400mf": but_the_last,
    "resnet18": but_the_last,
    "shufflenet_v2_x0_5": but_the_last,
    "squeezenet1_1": FEATURES,
    "swin_t": lambda module: nn.Sequential(module.features, module.norm),
    "vgg11": FEATURES,
}


@torch.no_grad()
@pytest.mark.parametrize("name", [in_full(n) if n not in QUICK else n for n in SEQUENTIAL])
def test_numbers_for_names(name: str, tmp_path: Path) -> None:
    of = SEQUENTIAL[name]
    theirs = of(drawn_numbers(get_model(name, weights=None)))
    images = torch.rand(1, 3, 64, 64)

    ours = of(imported(name, theirs.state_dict(), tmp_path))

    assert torch.equal(ours(images), theirs(images))


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "facts"),
    [
        (
            "resnet18",
            {"layer_type": "basic", "hidden_sizes": WIDTHS, "depths": [2] * 4},
        ),
        in_full("resnet50", {}),
    ],
)
def test_resnet_of_the_hub(name: str, facts: dict[str, object], tmp_path: Path) -> None:
    theirs = drawn_numbers(ResNetModel(ResNetConfig(**facts)))
    images = torch.rand(1, 3, 64, 64)

    ours = imported(name, {f"resnet.{k}": t for k, t in theirs.state_dict().items()}, tmp_path)

    trunk = nn.Sequential(*list(ours.children())[:-2])
    assert_same(trunk(images), theirs(images).last_hidden_state)


@pytest.mark.full
@torch.no_grad()
def test_convnext_of_the_hub(tmp_path: Path) -> None:
    theirs = drawn_numbers(ConvNextModel(ConvNextConfig()))
    images = torch.rand(1, 3, 64, 64)

    ours = imported("convnext_tiny", theirs.state_dict(), tmp_path)

    assert_same(ours.features(images), theirs(images).last_hidden_state)


@torch.no_grad()
@pytest.mark.parametrize(
    ("draw", "forward"),
    [
        pytest.param(timm_convnext_tiny, timm_convnext_map, id="timm"),
        pytest.param(meta_convnext_tiny, meta_convnext_map, id="Meta", marks=pytest.mark.full),
    ],
)
def test_convnext_of_timm_and_of_its_first_code(
    draw: Callable[[], dict[str, Tensor]],
    forward: Callable[[Mapping[str, Tensor], Tensor], Tensor],
    tmp_path: Path,
) -> None:
    state = draw()
    images = torch.rand(1, 3, 64, 64)

    ours = imported("convnext_tiny", state, tmp_path)

    assert_same(ours.features(images), forward(state, images))


@torch.no_grad()
def test_vit_of_timm(tmp_path: Path) -> None:
    state = timm_vit_b_16(image_px=32)
    images = torch.rand(2, 3, 32, 32)

    ours = imported("vit_b_16", state, tmp_path, image_size=32)

    assert_same(vit_tokens(ours, images), timm_vit_tokens(state, images, HEADS))


@pytest.mark.full
@torch.no_grad()
def test_vit_of_the_hub_is_refused_because_its_norms_differ(tmp_path: Path) -> None:
    """The names fit, and with torchvision's epsilon the outputs do; with its own they do not."""
    config = ViTConfig(image_size=32, num_hidden_layers=12)
    theirs = drawn_numbers(ViTModel(config, add_pooling_layer=False))
    for name, tensor in theirs.state_dict().items():
        if name.startswith("embeddings"):
            tensor.mul_(0.02)  # as small as trained tokens are
    theirs.save_pretrained(tmp_path / "hub")
    state = load_file(tmp_path / "hub" / "model.safetensors")
    images = torch.rand(1, 3, 32, 32)
    published = theirs(images).last_hidden_state

    with pytest.raises(StateDiffers, match="1e-12 in its layer norms"):
        imported("vit_b_16", state, tmp_path, image_size=32)
    ours = imported("vit_b_16", state, tmp_path, in_the_words_of_the_hub, image_size=32)

    for module in theirs.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-6
    assert_same(vit_tokens(ours, images), theirs(images).last_hidden_state)
    assert (vit_tokens(ours, images) - published).abs().max() > 1e-3


def in_the_words_of_the_hub(specs: list[TensorSpec], layout: StateLayout, family: str) -> Remap:
    scheme = next(each for each in VIT_SCHEMES if each.name == "huggingface")
    return remap_tree(specs, layout, family, Tree(prefix="", scheme=scheme))


@pytest.mark.full
@torch.no_grad()
def test_swin_of_its_first_code(tmp_path: Path) -> None:
    """Written under Microsoft's names from transformers' model, which computes what is wanted."""
    theirs = drawn_numbers(SwinModel(SwinConfig(), add_pooling_layer=False))
    images = torch.rand(1, 3, 224, 224)

    ours = imported("swin_t", microsoft_swin(theirs.state_dict()), tmp_path)

    assert_same(ours.norm(ours.features(images)).flatten(1, 2), theirs(images).last_hidden_state)


def vit_tokens(module: nn.Module, images: Tensor) -> Tensor:
    """Return what torchvision's ViT hands to its head, for all tokens."""
    tokens = module._process_input(images)
    return module.encoder(torch.cat([module.class_token.expand(len(tokens), -1, -1), tokens], 1))
