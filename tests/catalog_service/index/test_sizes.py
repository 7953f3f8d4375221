"""Which image sizes are taken, and how images are brought to them."""

import pytest

from catalog_service.errors import InvalidRequest
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.sizes import input_contract, minimum_px

MINIMUM_PX = {
    "alexnet": 63,
    "convnext_tiny": 32,
    "densenet121": 29,
    "efficientnet_v2_s": 1,
    "googlenet": 15,
    "inception_v3": 75,
    "resnet50": 1,
    "squeezenet1_0": 21,
    "squeezenet1_1": 17,
    "swin_t": 4,
    "swin_v2_b": 4,
    "vgg16": 32,
}
"""Measured: one pixel less raises in the forward pass."""


@pytest.fixture(scope="module")
def index() -> CatalogIndex:
    return CatalogIndex.load()


def test_no_size_means_the_published_preprocessing(index: CatalogIndex) -> None:
    contract = input_contract(index, "resnet50")

    assert (contract.height_px, contract.width_px) == (224, 224)
    assert contract.resize_shorter_side_px == 232
    assert contract.mean == (0.485, 0.456, 0.406)


def test_the_published_size_keeps_the_published_crop(index: CatalogIndex) -> None:
    asked = input_contract(index, "resnet50", height_px=224, width_px=224)

    assert asked == input_contract(index, "resnet50")


def test_another_size_resizes_both_sides_and_crops_nothing(index: CatalogIndex) -> None:
    contract = input_contract(index, "resnet50", height_px=64, width_px=96)

    assert (contract.height_px, contract.width_px) == (64, 96)
    assert contract.resize_shorter_side_px == 0
    assert contract.std == (0.229, 0.224, 0.225)


def test_another_weight_has_another_preprocessing(index: CatalogIndex) -> None:
    first = index.weight("ResNet50_Weights.IMAGENET1K_V1")

    assert input_contract(index, "resnet50", first).resize_shorter_side_px == 256


@pytest.mark.parametrize(
    ("name", "size", "right"),
    [("vit_b_16", 256, "224x224"), ("maxvit_t", 256, "224x224"), ("vit_h_14", 224, "518x518")],
)
def test_fixed_sizes_are_fixed(index: CatalogIndex, name: str, size: int, right: str) -> None:
    with pytest.raises(InvalidRequest, match=f"{size}x{size} does not fit: .* exactly {right}"):
        input_contract(index, name, height_px=size, width_px=size)


@pytest.mark.parametrize("name", MINIMUM_PX)
def test_the_smallest_side_is_taken_and_one_less_refused(index: CatalogIndex, name: str) -> None:
    smallest = MINIMUM_PX[name]

    assert input_contract(index, name, height_px=smallest, width_px=300).height_px == smallest
    with pytest.raises(InvalidRequest, match=f"at least {smallest}x{smallest}"):
        input_contract(index, name, height_px=smallest - 1, width_px=300)


def test_every_buildable_weight_has_a_contract(index: CatalogIndex) -> None:
    for entry in index.architectures:
        for weight in index.weights_of(entry.architecture_id):
            if entry.is_buildable:
                contract = input_contract(index, entry.architecture_id, weight)
                assert contract == weight.preprocessing
                assert minimum_px(weight) <= contract.height_px
