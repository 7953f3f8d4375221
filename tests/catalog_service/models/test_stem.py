"""A first layer for another number of channels: equal channels give what equal RGB gave."""

import pytest
import torch
from torch import nn

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.channels import adapted_statistics, sources_of
from catalog_service.models.families.table import family_of
from catalog_service.models.skeleton import skeleton
from catalog_service.models.stem import adapt_kernels, stem_path
from tests.catalog_service.models.with_stem import with_stem

CHANNELS = [1, 2, 3, 4, 6, 13]


@pytest.fixture
def kernels() -> torch.Tensor:
    return torch.randn(8, 3, 7, 7, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("adaptation", ["repeat", "average"])
@pytest.mark.parametrize("count", CHANNELS)
def test_equal_channels_give_what_equal_rgb_gave(
    kernels: torch.Tensor, count: int, adaptation: str
) -> None:
    grey = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))

    adapted = adapt_kernels(kernels, count, adaptation)

    published = nn.functional.conv2d(grey.expand(-1, 3, -1, -1), kernels)
    ours = nn.functional.conv2d(grey.expand(-1, count, -1, -1), adapted)
    torch.testing.assert_close(ours, published, rtol=0, atol=1e-5 * published.abs().max().item())


def test_naive_repetition_does_not(kernels: torch.Tensor) -> None:
    grey = torch.ones(1, 1, 16, 16)
    naive = kernels.repeat(1, 2, 1, 1)

    published = nn.functional.conv2d(grey.expand(-1, 3, -1, -1), kernels)
    doubled = nn.functional.conv2d(grey.expand(-1, 6, -1, -1), naive)

    torch.testing.assert_close(doubled, 2 * published, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("adaptation", ["repeat", "average", "random"])
def test_the_published_number_of_channels_changes_no_bit(
    kernels: torch.Tensor, adaptation: str
) -> None:
    assert torch.equal(adapt_kernels(kernels, 3, adaptation), kernels)


def test_repeated_kernels_are_the_published_ones_in_turn(kernels: torch.Tensor) -> None:
    adapted = adapt_kernels(kernels, 4, "repeat")

    assert torch.equal(adapted[:, 1], kernels[:, 1])
    assert torch.equal(adapted[:, 3], kernels[:, 0] / 2)
    assert sources_of(4, 3) == ((0,), (1,), (2,), (0,))
    assert sources_of(2, 3) == ((0, 2), (1,))


def test_random_kernels_come_from_the_seed_and_keep_half_precision(kernels: torch.Tensor) -> None:
    first, again, other = (adapt_kernels(kernels.half(), 5, "random", s) for s in (1, 1, 2))

    assert torch.equal(first, again) and not torch.equal(first, other)
    assert first.dtype == torch.float16 and first.shape == (8, 5, 7, 7)


def test_statistics_follow_the_kernels() -> None:
    mean = (1.0, 2.0, 3.0)

    assert adapted_statistics(mean, 3, "average") == mean
    assert adapted_statistics(mean, 4, "repeat") == (1.0, 2.0, 3.0, 1.0)
    assert adapted_statistics(mean, 2, "repeat") == (2.0, 2.0)
    assert adapted_statistics(mean, 2, "average") == (2.0, 2.0)


def test_every_architecture_takes_other_channels_but_raft(index: CatalogIndex) -> None:
    """Only the first layer differs, and only in its input channels."""
    for entry in index.architectures:
        if not entry.is_buildable:
            continue
        stem = family_of(entry.architecture_id).stem_of(entry.architecture_id)
        assert bool(stem) == (entry.family != "raft"), entry.architecture_id


SMALLEST = [
    "alexnet",
    "convnext_tiny",
    "densenet121",
    "dinov3_convnext_tiny",
    "dinov3_vits16",
    "efficientnet_b0",
    "fcn_resnet50",
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
    "vgg11",
    "vit_b_32",
]


@pytest.mark.parametrize("name", SMALLEST)
@pytest.mark.parametrize("count", [1, 6])
def test_the_model_runs_on_that_many_channels(index: CatalogIndex, name: str, count: int) -> None:
    assert_runs(index, name, count)


@pytest.mark.full
@pytest.mark.parametrize("count", CHANNELS)
def test_every_model_runs_on_any_number_of_channels(index: CatalogIndex, count: int) -> None:
    for entry in index.architectures:
        if entry.is_buildable and entry.task in ("classification", "segmentation", "features"):
            assert_runs(index, entry.architecture_id, count)


def assert_runs(index: CatalogIndex, name: str, count: int) -> None:
    """Planned as a spec plans it; with `transform_input` the naive build would index channel 2."""
    plan = with_stem(index, name, count)
    module = skeleton(plan.recipe).eval()
    contract = plan.input

    module(torch.empty(2, count, contract.height_px, contract.width_px, device="meta"))

    assert len(contract.mean) == len(contract.std) == len(contract.channel_names) == count
    own = skeleton(index.recipe_for(name)).state_dict()
    changed = {key for key, value in module.state_dict().items() if value.shape != own[key].shape}
    weight = f"{stem_path(plan.recipe)}.weight"
    assert changed == ({weight} if count != 3 else set()), name


def test_a_composed_model_has_its_stem_in_its_backbone(index: CatalogIndex) -> None:
    plan = with_stem(index, "resnet18", 4, segmentation={"num_classes": 2})

    path = stem_path(plan.recipe)

    assert path == "backbone.conv1"
    assert skeleton(plan.recipe).get_submodule(path).in_channels == 4
