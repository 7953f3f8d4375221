"""Reads the files of a bundle, in a folder or in one `.tar`. Nothing is ever unpacked by its name.

What a bundle names is read from there and nowhere else: a link in a folder, and anything but a
plain file in a tar, is no file of it.
"""

import os
import stat
import tarfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Protocol

from vertebra.bundle_layout import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    BundleManifest,
    BundleUnusable,
    parsed_manifest,
)

COPY_BYTES = 1 << 20


class BundleFiles(Protocol):
    """The files of a bundle by their path in it."""

    where: str
    """For messages."""

    def sizes(self) -> Mapping[str, int]:
        """Return path -> bytes of every plain file; -1 for what is there and is none."""

    def open(self, place: str) -> IO[bytes]:
        """Return a file to read. Raises FileNotFoundError."""

    def path(self, place: str) -> AbstractContextManager[Path]:
        """Return, for a `with`, a path with the file's bytes: its own, or a copy."""


class FolderFiles:
    """A bundle in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.where = str(folder)

    def sizes(self) -> Mapping[str, int]:
        """Return path -> bytes; folders are not listed, links are -1."""
        found = {}
        for folder, names, files in os.walk(self._folder):
            links = [name for name in names if (Path(folder) / name).is_symlink()]
            for name in (*files, *links):
                path = Path(folder) / name
                status = path.lstat()
                is_file = stat.S_ISREG(status.st_mode)
                place = path.relative_to(self._folder).as_posix()
                found[place] = status.st_size if is_file else -1
        return found

    def open(self, place: str) -> IO[bytes]:
        """Return a file that is no link."""
        return self._file(place).open("rb")

    @contextmanager
    def path(self, place: str) -> Iterator[Path]:
        """Yield the file's own path."""
        yield self._file(place)

    def _file(self, place: str) -> Path:
        path = self._folder / place
        parents = [each for each in path.parents if each.is_relative_to(self._folder)]
        is_linked = any(each.is_symlink() for each in parents if each != self._folder)
        if is_linked or not stat.S_ISREG(path.lstat().st_mode):
            raise FileNotFoundError(f"{path} is no file")
        return path


class TarFiles:
    """A bundle in one tar, as we write it or as `tar -cf bundle.tar bundle` does.

    The last of several members of one name counts, as for tar itself.
    """

    def __init__(self, path: Path, tar: tarfile.TarFile) -> None:
        self.where = str(path)
        self._tar = tar
        members = {member.name.removeprefix("./"): member for member in tar.getmembers()}
        top = _top(members)
        self._members = {name.removeprefix(top): member for name, member in members.items()}

    def sizes(self) -> Mapping[str, int]:
        """Return path -> bytes."""
        return {
            name: member.size if member.isreg() else -1
            for name, member in self._members.items()
            if not member.isdir()
        }

    def open(self, place: str) -> IO[bytes]:
        """Return a plain member."""
        member = self._members.get(place)
        file = self._tar.extractfile(member) if member is not None and member.isreg() else None
        if file is None:
            raise FileNotFoundError(f"{self.where} has no file {place}")
        return file

    @contextmanager
    def path(self, place: str) -> Iterator[Path]:
        """Yield a copy that goes afterwards."""
        with self.open(place) as source, TemporaryDirectory(prefix="vertebra-bundle-") as folder:
            copy = Path(folder) / "blob"
            with copy.open("wb") as target:
                while piece := source.read(COPY_BYTES):
                    target.write(piece)
            yield copy


def _top(names: Collection[str]) -> str:
    """Return `bundle/` where the manifest is in that folder and in no other place; else nothing."""
    places = [name for name in names if name.rpartition("/")[2] == MANIFEST]
    is_below = len(places) == 1 and places[0].count("/") == 1
    return places[0].removesuffix(MANIFEST) if is_below else ""


@contextmanager
def open_bundle(path: Path) -> Iterator[BundleFiles]:
    """Yield a bundle's files.

    Args:
        path: the folder, its manifest, or a tar.

    Raises:
        BundleUnusable: there is none.
    """
    if path.is_dir():
        yield FolderFiles(path)
    elif path.name == MANIFEST and path.is_file():
        yield FolderFiles(path.parent)
    elif not path.exists():
        raise BundleUnusable(f"{path} does not exist; a bundle is a folder or a .tar")
    else:
        try:
            tar = tarfile.open(path, "r:")  # noqa: SIM115 - closed two lines below
        except tarfile.TarError as error:
            raise BundleUnusable(f"{path} is no uncompressed tar: {error}") from error
        with tar:
            yield _tar_files(path, tar)


def _tar_files(path: Path, tar: tarfile.TarFile) -> TarFiles:
    try:
        return TarFiles(path, tar)
    except tarfile.TarError as error:
        raise BundleUnusable(f"{path} is cut, or no tar: {error}; carry it over again") from error


def manifest_of(files: BundleFiles) -> BundleManifest:
    """Return what a bundle says of itself.

    Raises:
        BundleUnusable: it has no manifest, or none that this release reads.
    """
    try:
        with files.open(MANIFEST) as file:
            data = file.read(MAX_MANIFEST_BYTES + 1)
    except FileNotFoundError as error:
        raise BundleUnusable(
            f"{files.where} has no {MANIFEST}: it is no bundle, or its export has not finished; "
            "run the same export again"
        ) from error
    return parsed_manifest(data, files.where)
