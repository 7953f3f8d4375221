"""A client that knows only the contract prepares images as torchvision does."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import get_model, get_weight
from torchvision.transforms.functional import pil_to_tensor

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.input_contract import input_contract
from tests.catalog_service.index.contract_client import as_input

TOLERANCE = 1e-5
"""Both resize with Pillow; only the order of float32 operations differs."""


@pytest.fixture(scope="module")
def image() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (90, 131, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((393, 271), Image.Resampling.BICUBIC)


@pytest.mark.parametrize(
    "name",
    [
        "ResNet50_Weights.IMAGENET1K_V2",
        "EfficientNet_V2_L_Weights.IMAGENET1K_V1",
        "EfficientNet_B1_Weights.IMAGENET1K_V2",
        "ViT_H_14_Weights.IMAGENET1K_SWAG_E2E_V1",
        "Swin_V2_T_Weights.IMAGENET1K_V1",
        "FCN_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1",
    ],
)
def test_images_are_what_the_weights_own_transform_gives(image: Image.Image, name: str) -> None:
    contract = input_contract(CatalogIndex.load().weight(name))

    ours = as_input(image, contract)

    theirs = get_weight(name).transforms()(image).numpy()
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)


def test_another_rescale_would_be_seen(image: Image.Image) -> None:
    contract = input_contract(CatalogIndex.load().weight("ResNet50_Weights.IMAGENET1K_V1"))

    ours = as_input(image, contract)

    theirs = get_weight("ResNet50_Weights.IMAGENET1K_V2").transforms()(image).numpy()
    assert np.abs(ours - theirs).max() > 0.1


@pytest.mark.parametrize(
    "name", ["fasterrcnn_mobilenet_v3_large_320_fpn", "ssdlite320_mobilenet_v3_large"]
)
def test_a_detector_resizes_and_normalises_as_the_contract_says(
    image: Image.Image, name: str
) -> None:
    """The client rescales; the rest is inside the model, and the contract tells it."""
    contract = input_contract(CatalogIndex.load().weight(name))
    pixels = pil_to_tensor(image).float() * contract.rescale_factor
    transform = get_model(name, weights=None, weights_backbone=None).eval().transform

    inside, _ = transform([pixels])

    height, width = resized_size(image, contract.resize_shorter_side_px, contract)
    resized = torch.nn.functional.interpolate(
        pixels[None], size=(height, width), mode="bilinear", align_corners=False
    )[0]
    mean, std = (torch.tensor(row)[:, None, None] for row in (contract.mean, contract.std))
    assert inside.image_sizes == [(height, width)]
    torch.testing.assert_close(
        inside.tensors[0, :, :height, :width], (resized - mean) / std, rtol=0, atol=0.02
    )


def resized_size(image: Image.Image, shorter: int, contract: object) -> tuple[int, int]:
    if not shorter:
        return contract.height_px, contract.width_px  # type: ignore[attr-defined]
    scale = min(
        shorter / min(image.size),
        contract.max_longer_side_px / max(image.size),  # type: ignore[attr-defined]
    )
    return int(image.height * scale), int(image.width * scale)


def test_clips_are_resized_on_both_sides_and_cropped() -> None:
    """Video is not antialiased, which Pillow cannot do: torch stands in for the resize."""
    contract = input_contract(CatalogIndex.load().weight("R3D_18_Weights.KINETICS400_V1"))
    clip = torch.randint(0, 256, (4, 3, 90, 131), dtype=torch.uint8)
    size = (contract.resize_height_px, contract.resize_width_px)
    assert contract.interpolation == "bilinear_aliased"

    resized = torch.nn.functional.interpolate(
        clip.float(), size=size, mode="bilinear", align_corners=False
    ).round()
    top = round((size[0] - contract.height_px) / 2)
    left = round((size[1] - contract.width_px) / 2)
    cropped = resized[:, :, top : top + contract.height_px, left : left + contract.width_px] * (
        contract.rescale_factor
    )
    mean, std = (torch.tensor(row)[:, None, None] for row in (contract.mean, contract.std))
    ours = ((cropped - mean) / std).transpose(0, 1)

    theirs = get_weight("R3D_18_Weights.KINETICS400_V1").transforms()(clip)
    assert ours.shape == theirs.shape
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1 / 255 / 0.2)
