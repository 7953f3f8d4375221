"""Tiny copies of published data sets, in the very folders and formats of their publishers."""

import json
import pickle
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

from tests.fakes.annotated_images import draw_image, two_halves, write_mask

RANDOM_STATE = 0


Bytes = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def noise(*shape: int) -> Bytes:
    """Return bytes, the same every time."""
    return np.random.default_rng(RANDOM_STATE).integers(0, 256, shape, dtype=np.uint8)


def write_idx(path: Path, array: Bytes) -> None:
    """Write an IDX file of bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = np.array(array.shape, dtype=">u4").tobytes()
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + shape + array.tobytes())


def write_mnist(root: Path, folder: str = "MNIST") -> None:
    """Write 20 digits, two of each."""
    for split in ("train", "t10k"):
        write_idx(root / folder / "raw" / f"{split}-images-idx3-ubyte", noise(20, 28, 28))
        labels = np.arange(20, dtype=np.uint8) % 10
        write_idx(root / folder / "raw" / f"{split}-labels-idx1-ubyte", labels)


def python2_pickle(images: Bytes, labels: list[int]) -> bytes:
    """Return a batch as Python 2 pickled it: text without an encoding, numpy's old names."""

    def text(word: bytes) -> bytes:
        return b"T" + len(word).to_bytes(4, "little") + word

    count, width = images.shape
    minus_one = b"J\xff\xff\xff\xff"
    kind = b"cnumpy\ndtype\n(" + text(b"u1") + b"K\x00K\x01tR(K\x03" + text(b"|")
    kind += b"NNN" + minus_one * 2 + b"K\x00tb"
    shape = b"M" + count.to_bytes(2, "little") + b"M" + width.to_bytes(2, "little") + b"\x86"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85" + text(b"b") + b"tR"
    )
    array += b"(K\x01" + shape + kind + b"\x89" + text(images.tobytes()) + b"tb"
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(" + text(b"data") + array + text(b"labels") + numbers + b"u."


def write_cifar10(root: Path) -> None:
    """Write five batches of ten images, as they were published."""
    home = root / "cifar-10-batches-py"
    home.mkdir(parents=True)
    names = ["airplane", "automobile", "bird", "cat", "deer"]
    names += ["dog", "frog", "horse", "ship", "truck"]
    images = noise(60, 3072)
    for number in range(6):
        name = f"data_batch_{number + 1}" if number < 5 else "test_batch"
        batch = python2_pickle(images[number * 10 :][:10], list(range(10)))
        (home / name).write_bytes(batch)
    (home / "batches.meta").write_bytes(pickle.dumps({"label_names": names}, protocol=2))


def write_stl10(root: Path) -> None:
    """Write four images of two classes."""
    home = root / "stl10_binary"
    home.mkdir(parents=True)
    (home / "train_X.bin").write_bytes(noise(4, 3, 96, 96).tobytes())
    (home / "train_y.bin").write_bytes(bytes([1, 2, 1, 2]))
    (home / "class_names.txt").write_text("airplane\nbird\n")


def write_svhn(root: Path) -> None:
    """Write twenty numbers; 10 is the digit 0."""
    labels = (np.arange(20) % 10 + 1).reshape(-1, 1).astype(np.uint8)
    savemat(root / "train_32x32.mat", {"X": noise(32, 32, 3, 20), "y": labels})


def write_flowers(root: Path) -> None:
    """Write three flowers of each of 102 kinds; one of each is for validation."""
    home = root / "flowers-102"
    for number in range(1, 307):
        draw_image(home / "jpg" / f"image_{number:05d}.jpg", seed=number, width=8, height=8)
    savemat(home / "imagelabels.mat", {"labels": np.arange(306) % 102 + 1})
    splits = {"trnid": np.arange(1, 205), "valid": np.arange(205, 307), "tstid": np.array([1])}
    savemat(home / "setid.mat", splits)


def write_pets(root: Path) -> None:
    """Write two breeds, eight pictures each, with trimaps."""
    home = root / "oxford-iiit-pet"
    rows = []
    for breed, (name, kind) in enumerate((("Abyssinian", 1), ("american_bulldog", 2)), start=1):
        for number in range(8):
            draw_image(home / "images" / f"{name}_{number}.jpg", seed=breed * 10 + number)
            trimap = two_halves(1, 2)
            trimap[0] = 3
            write_mask(home / "annotations" / "trimaps" / f"{name}_{number}.png", trimap)
            rows.append(f"{name}_{number} {breed} {kind} {number}")
    for split in ("trainval", "test"):
        (home / "annotations" / f"{split}.txt").write_text("\n".join(rows) + "\n")


def write_dtd(root: Path) -> None:
    """Write two textures."""
    home = root / "dtd" / "dtd"
    (home / "labels").mkdir(parents=True)
    for split, numbers in (("train", range(4)), ("val", range(4, 6)), ("test", range(6, 8))):
        lines = [
            f"{name}/{name}_{number}.jpg" for name in ("banded", "woven") for number in numbers
        ]
        for seed, line in enumerate(lines):
            draw_image(home / "images" / line, seed=seed + 100 * numbers[0])
        (home / "labels" / f"{split}1.txt").write_text("\n".join(lines) + "\n")


def write_food(root: Path) -> None:
    """Write two dishes."""
    home = root / "food-101"
    listing = {name: [f"{name}/{number}" for number in range(5)] for name in ("ramen", "apple_pie")}
    for name, paths in listing.items():
        for seed, path in enumerate(paths):
            draw_image(home / "images" / f"{path}.jpg", seed=seed + len(name) * 10)
    (home / "meta").mkdir()
    for split in ("train", "test"):
        (home / "meta" / f"{split}.json").write_text(json.dumps(listing))


def write_aircraft(root: Path) -> None:
    """Write two variants of one maker."""
    home = root / "fgvc-aircraft-2013b" / "data"
    variants = ("707-320", "DC 10")
    for split, start in (("train", 0), ("val", 10)):
        rows = [(f"{start + number:07}", variants[number % 2]) for number in range(6)]
        for seed, (name, _) in enumerate(rows):
            draw_image(home / "images" / f"{name}.jpg", seed=start + seed)
        text = "".join(f"{name} {variant}\n" for name, variant in rows)
        (home / f"images_variant_{split}.txt").write_text(text)
    (home / "variants.txt").write_text("".join(f"{name}\n" for name in variants))


def write_voc(root: Path) -> None:
    """Write six pictures with masks of persons, grey as palettes are not."""
    home = root / "VOCdevkit" / "VOC2012"
    lists = home / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    for split, numbers in (("train", range(4)), ("val", range(4, 6))):
        for number in numbers:
            draw_image(home / "JPEGImages" / f"{number}.jpg", seed=number)
            mask = two_halves(0, 15)
            mask[:, 7] = 255
            write_mask(home / "SegmentationClass" / f"{number}.png", mask)
        (lists / f"{split}.txt").write_text("".join(f"{number}\n" for number in numbers))


def write_eurosat(root: Path) -> None:
    """Write two kinds of land."""
    for seed, name in enumerate(("Forest", "River")):
        for number in range(5):
            place = root / "eurosat" / "2750" / name / f"{name}_{number}.jpg"
            draw_image(place, seed=seed * 10 + number)


def write_imagenette(root: Path) -> None:
    """Write two of the ten classes."""
    for split, count in (("train", 4), ("val", 2)):
        for seed, name in enumerate(("n01440764", "n03028079")):
            for number in range(count):
                place = root / "imagenette2-160" / split / name / f"{number}.JPEG"
                place.parent.mkdir(parents=True, exist_ok=True)
                pixels = noise(12 + seed, 12 + number, 3)
                Image.fromarray(pixels).save(place, "JPEG")
