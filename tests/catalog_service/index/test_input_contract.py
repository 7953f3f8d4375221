"""How images become the input of a model: published, at another size, on other channels."""

import pytest

from catalog_service.errors import InvalidRequest
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.input_contract import InputWish, input_contract, planned_input

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


def sized(height_px: int, width_px: int) -> InputWish:
    return InputWish(height_px=height_px, width_px=width_px)


def test_no_size_means_the_published_preprocessing(index: CatalogIndex) -> None:
    contract = input_contract(index.weight("resnet50"))

    assert (contract.height_px, contract.width_px) == (224, 224)
    assert contract.resize_shorter_side_px == 232
    assert contract.mean == (0.485, 0.456, 0.406)


def test_the_published_size_keeps_the_published_crop(index: CatalogIndex) -> None:
    weight = index.weight("resnet50")

    assert input_contract(weight, sized(224, 224)) == input_contract(weight)


def test_another_size_resizes_both_sides_and_crops_nothing(index: CatalogIndex) -> None:
    contract = input_contract(index.weight("resnet50"), sized(64, 96))

    assert (contract.height_px, contract.width_px) == (64, 96)
    assert contract.resize_shorter_side_px == 0
    assert contract.std == (0.229, 0.224, 0.225)


def test_another_weight_has_another_preprocessing(index: CatalogIndex) -> None:
    first = index.weight("ResNet50_Weights.IMAGENET1K_V1")

    assert input_contract(first).resize_shorter_side_px == 256


@pytest.mark.parametrize(
    ("name", "size", "right"),
    [
        ("vit_b_16", 250, "multiples of 16; nearest are 256x256, 240x256, 256x240"),
        ("vit_h_14", 224, ""),
        ("vit_h_14", 225, "multiples of 14; nearest are 224x224, 224x238, 238x224"),
        ("maxvit_t", 256, "multiples of 224, height and width the same; nearest are 224x224, 448"),
        ("mvit_v1_b", 256, "takes exactly 224x224"),
        ("ssd300_vgg16", 512, "resizes every image to 300x300 itself"),
        ("raft_small", 132, "multiples of 8; nearest are 128x128"),
    ],
)
def test_sizes_that_do_not_fit_name_those_that_do(
    index: CatalogIndex, name: str, size: int, right: str
) -> None:
    if not right:
        assert planned_input(index.weight(name), sized(size, size)).arguments["image_size"] == size
        return
    with pytest.raises(InvalidRequest, match=f"{size}x{size} does not fit: .*{right}"):
        input_contract(index.weight(name), sized(size, size))


@pytest.mark.parametrize("name", MINIMUM_PX)
def test_the_smallest_side_is_taken_and_one_less_refused(index: CatalogIndex, name: str) -> None:
    smallest, weight = MINIMUM_PX[name], index.weight(name)

    assert input_contract(weight, sized(smallest, 300)).height_px == smallest
    if smallest > 1:
        with pytest.raises(InvalidRequest, match=f"at least {smallest}x{smallest}"):
            input_contract(weight, sized(smallest - 1, 300))


def test_every_buildable_weight_has_a_contract(index: CatalogIndex) -> None:
    for entry in index.architectures:
        for weight in index.weights_of(entry.architecture_id):
            if entry.is_buildable:
                contract = input_contract(weight)
                assert contract.mean and contract.height_px >= contract.sizes.min_px
                assert contract.num_channels == len(contract.mean) == len(contract.std)


def test_a_size_that_is_built_for_is_an_argument(index: CatalogIndex) -> None:
    vit, maxvit = index.weight("vit_b_16"), index.weight("maxvit_t")

    assert planned_input(vit, sized(224, 448)).arguments == {"image_size": [224, 448]}
    assert planned_input(vit, sized(384, 384)).arguments == {"image_size": 384}
    assert planned_input(maxvit, sized(448, 448)).arguments == {"input_size": [448, 448]}
    assert planned_input(vit, sized(224, 224)).arguments == {}


def test_channels_bring_their_statistics_and_names(index: CatalogIndex) -> None:
    contract = input_contract(index.weight("resnet50"), InputWish(in_channels=4))

    assert contract.num_channels == 4
    assert contract.mean == (0.485, 0.456, 0.406, 0.485)
    assert contract.channel_names == ("channel0", "channel1", "channel2", "channel3")


def test_averaged_kernels_have_averaged_statistics(index: CatalogIndex) -> None:
    wish = InputWish(in_channels=2, adaptation="average")

    contract = input_contract(index.weight("resnet50"), wish)

    assert contract.mean == pytest.approx((0.449, 0.449))


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_other_channels_get_the_transform_of_the_input_as_statistics(
    index: CatalogIndex, name: str
) -> None:
    """The model's own one indexes red, green and blue."""
    planned = planned_input(index.weight(name), InputWish(in_channels=5))

    assert planned.arguments["transform_input"] is False
    assert planned.contract.mean == pytest.approx((0.5,) * 5)
    assert planned.contract.std == pytest.approx((0.5,) * 5)


def test_three_channels_keep_the_transform_of_the_input(index: CatalogIndex) -> None:
    planned = planned_input(index.weight("googlenet"), InputWish(in_channels=3))

    assert planned.arguments == {}
    assert planned.contract.mean == (0.485, 0.456, 0.406)


def test_a_detector_is_told_its_statistics_and_its_size(index: CatalogIndex) -> None:
    wish = InputWish(in_channels=1, height_px=320, width_px=480)

    planned = planned_input(index.weight("fasterrcnn_resnet50_fpn"), wish)

    assert planned.arguments["image_mean"] == pytest.approx([0.449])
    assert len(planned.arguments["image_std"]) == 1
    assert (planned.arguments["min_size"], planned.arguments["max_size"]) == (320, 480)
    assert planned.contract.resize_shorter_side_px == 320


def test_raft_takes_three_channels_alone(index: CatalogIndex) -> None:
    with pytest.raises(InvalidRequest, match="raft_small takes 3 channels"):
        input_contract(index.weight("raft_small"), InputWish(in_channels=4))


@pytest.mark.parametrize(
    ("use", "shorter", "whole", "listed"),
    [("segmentation", 520, True, False), ("detection", 800, False, True)],
)
def test_our_dense_heads_take_images_as_torchvisions_do(
    index: CatalogIndex, use: str, shorter: int, whole: bool, listed: bool
) -> None:
    contract = input_contract(index.weight("resnet50"), InputWish(use=use))  # type: ignore[arg-type]

    assert contract.resize_shorter_side_px == shorter
    assert contract.keeps_whole_image is whole
    assert contract.is_image_list is listed


def test_numbers_that_saw_other_images_bring_their_own_statistics(index: CatalogIndex) -> None:
    wish = InputWish(mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6), in_channels=1)

    contract = input_contract(index.weight("resnet18"), wish)

    assert contract.mean == pytest.approx((0.2,))
    assert contract.std == pytest.approx((0.5,))


def test_limits_know_the_batch_and_the_auxiliary_heads(index: CatalogIndex) -> None:
    small = input_contract(index.weight("resnet18"), sized(32, 32)).sizes
    large = input_contract(index.weight("resnet18"), sized(32, 33)).sizes
    kept = input_contract(index.weight("inception_v3"), InputWish(keeps_aux=True)).sizes

    assert (small.min_training_batch, large.min_training_batch) == (2, 1)
    assert (kept.min_px, kept.min_training_px, kept.min_training_batch) == (75, 299, 2)
