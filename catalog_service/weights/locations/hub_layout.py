"""How the hub's own cache keeps a repository on the disk: `refs`, `snapshots` and `blobs`.

A snapshot's files are links into `blobs`, or, where links are not possible or a copy did not keep
them, the files themselves. Refs, snapshots or blobs alone are enough to find a file.

Source: huggingface_hub/file_download.py, `hf_hub_download` and `_create_symlink`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from catalog_service.weights.wanted_file import WantedFile

_COMMIT = re.compile(r"[0-9a-f]{40}")

MAX_REF_BYTES = 256
"""Longer files among the refs hold no commit."""


def cached_paths(cache: Path, file: WantedFile) -> Iterator[Path]:
    """Yield where a hub cache may have a file, the surest first.

    Args:
        cache: the folder with `models--owner--repository` in it.
        file: of a repository.
    """
    root = cache / f"models--{file.repository.replace('/', '--')}"
    commit = _commit(root, file.revision)
    if commit:
        yield root / "snapshots" / commit / file.path
    if file.sha256:
        yield root / "blobs" / file.sha256
    if not commit and file.revision == "main":
        yield from _snapshots(root, file.path)


def _commit(root: Path, revision: str) -> str:
    """Return the commit of a branch or tag; empty where nobody noted it."""
    if _COMMIT.fullmatch(revision):
        return revision
    try:
        with (root / "refs" / revision).open("rb") as ref:
            found = ref.read(MAX_REF_BYTES).decode("ascii", "replace").strip()
    except OSError:
        return ""
    return found if _COMMIT.fullmatch(found) else ""


def _snapshots(root: Path, path: str) -> Iterator[Path]:
    """Yield a file of each snapshot, the newest first: without refs nobody knows which is meant."""
    try:
        snapshots = [each for each in (root / "snapshots").iterdir() if each.is_dir()]
        snapshots.sort(key=lambda each: each.stat().st_mtime, reverse=True)
    except OSError:
        return
    yield from (snapshot / path for snapshot in snapshots)
