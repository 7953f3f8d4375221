"""Published data sets that are a few files of many images. All images are small."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer_service.datasets.drawn_pictures import Pixels
from trainer_service.datasets.numpy_pickle import read_number_pickle
from trainer_service.datasets.published import Place, Published, packed
from trainer_service.errors import DataInvalid

CIFAR_SIDE, STL_SIDE = 32, 96


def idx_digits(place: Place, *, folder: str, class_names: Sequence[str]) -> Published:
    """Return MNIST and its like: two files of the format IDX.

    Source: the file formats on Yann LeCun's MNIST page, as torchvision.datasets.mnist reads them.
    """
    raw = place.root / folder / "raw"
    labels = read_idx(raw / "train-labels-idx1-ubyte")
    images = raw / "train-images-idx3-ubyte"
    return Published(
        class_names=tuple(class_names),
        train=packed(f"{folder} image", labels.tolist(), partial(read_idx, images)),
    )


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Return the array of an IDX file of bytes.

    Raises:
        DataInvalid: it is not one, or not as long as its header says.
        FileNotFoundError: there is none.
    """
    data = path.read_bytes()
    num_dimensions = data[3] if len(data) > 3 else 0
    shape = np.frombuffer(data[4 : 4 + 4 * num_dimensions], dtype=">u4").astype(np.int64)
    start = 4 + 4 * num_dimensions
    if data[:3] != b"\0\0\x08" or len(data) - start != int(shape.prod()):
        raise DataInvalid(f"{str(path)!r} is no IDX file of bytes")
    return np.frombuffer(data, dtype=np.uint8, offset=start).reshape(shape)


def cifar(place: Place, *, folder: str, batches: Sequence[str], meta: str, key: str) -> Published:
    """Return CIFAR-10 or CIFAR-100."""
    home = place.root / folder
    names = read_number_pickle(home / meta)[f"{key}_names"]
    found = [read_number_pickle(home / batch) for batch in batches]
    labels = [int(label) for batch in found for label in batch[f"{key}s"]]
    return Published(
        class_names=tuple(map(str, names)),
        train=packed(f"{folder} image", labels, partial(_cifar_images, home, tuple(batches))),
    )


def _cifar_images(home: Path, batches: Sequence[str]) -> Pixels:
    rows = np.vstack([read_number_pickle(home / batch)["data"] for batch in batches])
    return rows.reshape(-1, 3, CIFAR_SIDE, CIFAR_SIDE).transpose(0, 2, 3, 1)


def stl10(place: Place) -> Published:
    """Return STL-10's labelled training images."""
    home = place.root / "stl10_binary"
    labels = np.frombuffer((home / "train_y.bin").read_bytes(), dtype=np.uint8).astype(np.int64) - 1
    return Published(
        class_names=tuple((home / "class_names.txt").read_text().split()),
        train=packed("stl10 image", labels.tolist(), partial(_stl_images, home / "train_X.bin")),
    )


def _stl_images(path: Path) -> Pixels:
    columns = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    return columns.reshape(-1, 3, STL_SIDE, STL_SIDE).transpose(0, 3, 2, 1)


def svhn(place: Place) -> Published:
    """Return the cropped street numbers; the file calls the digit 0 ten."""
    path = place.root / "train_32x32.mat"
    labels = matlab_column(path, "y") % 10
    return Published(
        class_names=tuple("0123456789"),
        train=packed("svhn image", labels.tolist(), partial(_svhn_images, path)),
    )


def matlab_column(path: Path, name: str) -> npt.NDArray[np.int64]:
    """Return one variable of whole numbers, flat, without the others."""
    return np.asarray(_matlab(path, name), dtype=np.int64).ravel()


def _svhn_images(path: Path) -> Pixels:
    return np.asarray(_matlab(path, "X"), dtype=np.uint8).transpose(3, 0, 1, 2)


def _matlab(path: Path, name: str) -> npt.NDArray[np.generic]:
    from scipy.io import loadmat  # a third of a second; few data sets need it

    if not path.is_file():
        raise FileNotFoundError(2, "No such file", str(path))
    try:
        found: npt.NDArray[np.generic] = loadmat(path, variable_names=[name])[name]
    except (ValueError, KeyError, TypeError, NotImplementedError) as error:
        raise DataInvalid(f"{str(path)!r} is no MATLAB file with {name!r}: {error}") from error
    return found
