"""Pixels equal torchvision's presets; odd images become sane RGB; broken ones say why."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification

from catalog_service.models.contracts import InputContract
from trainer_service.datasets.batches import as_input
from trainer_service.datasets.pixels import ImageUnreadable, decode, fit

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def noise(width: int, height: int) -> Image.Image:
    """Return an image in which every pixel counts."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Return the bytes of an image file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("width", "height"), [(97, 61), (61, 97), (40, 40), (20, 33)])
@pytest.mark.parametrize(("resize", "crop"), [(36, 32), (32, 32), (24, 32)])
def test_input_equals_torchvisions_preset_to_the_last_bit(
    width: int, height: int, resize: int, crop: int, interpolation: str
) -> None:
    """The preset on a PIL image is what published accuracies were measured with."""
    preset = ImageClassification(
        crop_size=crop, resize_size=resize, interpolation=InterpolationMode(interpolation)
    )
    contract = InputContract(
        height_px=crop,
        width_px=crop,
        resize_shorter_side_px=resize,
        interpolation=interpolation,
        mean=MEAN,
        std=STD,
    )
    image = noise(width, height)

    found = as_input(torch.from_numpy(fit(image, contract))[None], contract)

    assert torch.equal(found[0], preset(image))


def test_without_a_shorter_side_both_sides_are_resized_and_nothing_is_cropped() -> None:
    contract = InputContract(height_px=8, width_px=16, mean=MEAN, std=STD)
    image = Image.new("RGB", (50, 50), "white")
    image.paste("black", (0, 0, 50, 5))

    pixels = fit(image, contract)

    assert pixels.shape == (8, 16, 3)
    assert pixels[0].max() < 80  # the top edge is still there
    assert pixels[-1].min() == 255


def grey_ramp() -> np.ndarray[tuple[int, int], np.dtype[np.uint16]]:
    """Return 16-bit grey values from black to white."""
    return np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)


ODD_IMAGES = {
    "palette": Image.new("RGB", (8, 8), (200, 30, 30)).convert("P"),
    "grey": Image.new("L", (8, 8), 120),
    "grey and alpha": Image.new("LA", (8, 8), (120, 255)),
    "one bit": Image.new("1", (8, 8), 1),
    "cmyk": Image.new("CMYK", (8, 8), (10, 20, 30, 40)),
    "16 bit": Image.fromarray(grey_ramp()),
    "32 bit": Image.fromarray(grey_ramp().astype(np.int32)),
    "alpha": Image.new("RGBA", (8, 8), (10, 200, 30, 255)),
}


@pytest.mark.parametrize("name", ODD_IMAGES)
def test_odd_images_become_rgb(name: str) -> None:
    image = ODD_IMAGES[name]

    decoded = decode(encoded(image, "TIFF" if name in ("cmyk", "32 bit") else "PNG"))

    assert (decoded.mode, decoded.size) == ("RGB", (8, 8))


@pytest.mark.parametrize("name", ["16 bit", "32 bit"])
def test_16_bit_images_keep_their_range(name: str) -> None:
    """Pillow's own conversion cuts everything above 255: the naive way is nearly all white."""
    image = ODD_IMAGES[name]

    decoded = np.asarray(decode(encoded(image, "TIFF")))

    assert np.abs(decoded[..., 0].astype(int) - grey_ramp() // 257).max() <= 1
    naive = np.asarray(Image.fromarray(grey_ramp().astype(np.int32)).convert("L"))
    assert (naive == 255).mean() > 0.9


def test_transparent_pixels_are_white_paper() -> None:
    """Dropping the channel would show whatever colour lies under the transparency."""
    hidden = Image.new("RGBA", (4, 4), (255, 0, 0, 0))

    assert decode(encoded(hidden)).getpixel((0, 0)) == (255, 255, 255)
    assert hidden.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


def test_images_are_turned_upright() -> None:
    image = Image.new("RGB", (20, 10), "white")
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: turn by 90 degrees

    assert decode(encoded(image, "JPEG", exif=exif)).size == (10, 20)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty file"),
        (b"GIF? no", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", "not an image"),
        (encoded(noise(64, 64), "JPEG")[:1200], "truncated"),
        (encoded(noise(64, 64), "PNG")[:600], "truncated"),
        (encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"), "no known range"),
        (encoded(Image.fromarray(np.full((4, 4), 10**6, np.int32)), "TIFF"), "no known range"),
        (encoded(Image.new("1", (12_000, 12_000))), "12,000 x 12,000 pixels; the most is"),
    ],
)
def test_unusable_bytes_say_why(data: bytes, expected: str) -> None:
    with pytest.raises(ImageUnreadable, match=expected):
        decode(data)


def test_a_line_of_pixels_is_not_resized_to_gigabytes() -> None:
    """A file of a few hundred bytes would become 256 x 15,360,000 pixels."""
    contract = InputContract(
        height_px=224, width_px=224, resize_shorter_side_px=256, mean=MEAN, std=STD
    )

    with pytest.raises(ImageUnreadable, match="256 x 15,360,000 pixels; the most is"):
        fit(decode(encoded(Image.new("L", (1, 60_000)))), contract)


@pytest.mark.parametrize(("resize", "crop"), [(0, 8), (10, 8), (4, 8)])
def test_an_image_of_one_pixel_is_an_image(resize: int, crop: int) -> None:
    contract = InputContract(
        height_px=crop, width_px=crop, resize_shorter_side_px=resize, mean=MEAN, std=STD
    )

    pixels = fit(decode(encoded(Image.new("RGB", (1, 1), (10, 20, 30)))), contract)

    assert pixels.shape == (crop, crop, 3)
    assert pixels[crop // 2, crop // 2].tolist() == [10, 20, 30]


def test_both_sides_may_be_resized_before_the_crop() -> None:
    contract = InputContract(
        height_px=4,
        width_px=6,
        resize_height_px=8,
        resize_width_px=10,
        mean=MEAN,
        std=STD,
    )
    image = noise(20, 16)

    expected = np.array(image.resize((10, 8), Image.Resampling.BILINEAR))[2:6, 2:8]
    assert np.array_equal(fit(image, contract), expected)


def test_a_whole_image_is_stretched_so_that_batches_have_one_size() -> None:
    contract = InputContract(
        height_px=8,
        width_px=8,
        resize_shorter_side_px=8,
        keeps_whole_image=True,
        mean=MEAN,
        std=STD,
    )

    assert fit(noise(40, 20), contract).shape == (8, 8, 3)
