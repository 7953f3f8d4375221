"""A folder with one folder of images per class: which files belong to which class. Lists folders
only; whether the images are sound is `data_check`'s business.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from catalog_service.errors import listed
from trainer_service.datasets.allowed_paths import real_path
from trainer_service.errors import DataInvalid

IMAGE_FORMATS = (
    "AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP",
)  # fmt: skip
"""What Pillow may open. EPS is left out on purpose: it would start Ghostscript."""

IMAGE_EXTENSIONS = frozenset(
    f".{name}"
    for name in (
        *("jpg", "jpeg", "jpe", "jfif", "jp2", "j2k", "jpx", "mpo", "png", "apng", "webp", "avif"),
        *("bmp", "dib", "gif", "ico", "pbm", "pgm", "ppm", "pnm", "tga", "tif", "tiff"),
    )
)
"""Source: PIL.Image.registered_extensions() for IMAGE_FORMATS."""

SPLIT_NAMES = frozenset({"train", "training", "val", "valid", "validation", "test"})
"""Folders with these names hold a split each; as classes they would mean nothing."""


def class_folders(folder: Path, allowed_roots: Sequence[str]) -> dict[str, Path]:
    """Return the class folders by name, sorted.

    Raises:
        DataInvalid: there is none, the folders are splits and no classes, or a name is no text.
        PathOutsideRoots: one is a link that leaves the allowed roots.
    """
    found = {
        entry.name: real_path(entry.path, allowed_roots)
        for entry in _visible_entries(folder)
        if entry.is_dir()
    }
    if unspeakable := [repr(name) for name in found if not _is_text(name)]:
        raise DataInvalid(f"class folders whose names are not UTF-8: {listed(unspeakable)}")
    if not found:
        raise DataInvalid(f"{str(folder)!r} has no class folders: one folder of images per class")
    if found.keys() <= SPLIT_NAMES:
        raise DataInvalid(
            f"{str(folder)!r} holds splits ({listed(sorted(found))}), not classes: name the"
            " training folder as `path` and the other as `validation_path`"
        )
    return dict(sorted(found.items()))


def images_of_classes(
    folders: Mapping[str, Path], allowed_roots: Sequence[str]
) -> dict[str, tuple[Path, ...]]:
    """Return every class's image files, sorted by path.

    Raises:
        DataInvalid: classes without images.
        PathOutsideRoots: a link leaves the allowed roots.
    """
    images = {
        name: tuple(sorted(image_files(folder, allowed_roots))) for name, folder in folders.items()
    }
    if empty := [repr(name) for name, files in images.items() if not files]:
        raise DataInvalid(f"no images in the class folders {listed(empty)}")
    return images


def image_files(folder: Path, allowed_roots: Sequence[str]) -> Iterator[Path]:
    """Yield image files below `folder`, following links only inside the allowed roots. A loop and
    no recursion: folders may be nested deeper than Python calls.
    """
    waiting, seen = [folder], {folder}
    while waiting:
        here = waiting.pop()
        for entry in _visible_entries(here):
            path = here / entry.name
            if entry.is_symlink():
                path = real_path(path, allowed_roots)
            if not entry.is_dir():
                if Path(entry.name).suffix.lower() in IMAGE_EXTENSIONS:
                    yield path
            elif path not in seen:
                seen.add(path)
                waiting.append(path)


def _is_text(name: str) -> bool:
    """Whether a file name is UTF-8; Python shows other bytes as halves of surrogate pairs."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _visible_entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise DataInvalid(f"cannot list {str(folder)!r}: {error.strerror}") from error
