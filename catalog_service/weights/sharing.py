"""Putting downloads into other programs' caches too, where a site wants that.

A file appears whole or not at all, and what is there is never replaced. A cache that cannot be
written costs nobody a weight: it is logged.
"""

import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from catalog_service.weights.copies import Copy
from catalog_service.weights.downloads.downloads import Downloaded

log = logging.getLogger(__name__)

FILE_MODE = 0o644
"""Other users' programs read the caches."""

_COMMIT = re.compile(r"[0-9a-f]{40}")


class Sharing(Protocol):
    """A cache that downloads are put into."""

    def put(self, copy: Copy) -> None:
        """Put a proven download into the cache, unless it is there or does not belong there."""
        ...


class NoSharing:
    """Puts nothing anywhere."""

    def put(self, copy: Copy) -> None:
        """Do nothing."""


class TorchHubSharing:
    """Puts published files into the cache of torch.hub.

    Args:
        folder: `<TORCH_HOME>/hub/checkpoints`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, copy: Copy) -> None:
        """Put a file under its published name; files of the hub do not belong here."""
        if copy.downloaded is None or copy.file.repository:
            return
        with _logging_refusals(self._folder):
            _put_new(copy.downloaded.path, self._folder / copy.file.file_name)


class HuggingFaceSharing:
    """Puts files of the hub into its cache, laid out as huggingface_hub does.

    Args:
        folder: with `models--owner--repository` in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, copy: Copy) -> None:
        """Put a file into its commit's snapshot; without a known commit there is no place for it.

        The blob is named by the sha256 that we computed, which is what the hub calls big files.
        """
        downloaded, file = copy.downloaded, copy.file
        if downloaded is None or not file.repository or not _commit(copy, downloaded):
            return
        root = self._folder / f"models--{file.repository.replace('/', '--')}"
        commit = _commit(copy, downloaded)
        with _logging_refusals(root):
            blob = root / "blobs" / downloaded.sha256
            _put_new(downloaded.path, blob)
            link = root / "snapshots" / commit / file.path
            link.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                link.symlink_to(os.path.relpath(blob, link.parent))
            if not _COMMIT.fullmatch(file.revision):
                _note(root / "refs" / file.revision, commit)


def _commit(copy: Copy, downloaded: Downloaded) -> str:
    revision = copy.file.revision
    return downloaded.commit or (revision if _COMMIT.fullmatch(revision) else "")


def _put_new(source: Path, target: Path) -> None:
    """Give a copy of a file a name that nothing has yet; cheap on one disk."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        try:
            os.link(source, temporary)
        except OSError:  # another disk
            shutil.copyfile(source, temporary)
        temporary.chmod(FILE_MODE)
        _flush(temporary)
        with suppress(FileExistsError):  # somebody was faster
            os.link(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _note(ref: Path, commit: str) -> None:
    """Write which commit a branch is at, unless somebody has noted one."""
    ref.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), ref.open("x", encoding="ascii") as file:
        file.write(commit)


@contextmanager
def _logging_refusals(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        log.warning("cannot share a download in %s: %s", folder, error.strerror)
