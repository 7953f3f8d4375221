"""Where wrong bytes go: out of sight, kept for inspection beside a note that says what they are."""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from catalog_service.blobs.disk import naming_disk_errors

NOTE_SUFFIX = ".why.txt"

MAX_NAME_CHARS = 100

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


class Quarantine:
    """Files under `<name>.<when>`, the newest of each name: a bad server cannot fill the disk.

    Args:
        folder: on the disk of what is put there; it exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, source: Path, name: str, why: str) -> Path:
        """Move a file here and return its new path; earlier files of that name go.

        Raises:
            FileNotFoundError: it is gone.
            CacheReadOnly: it stays where it is.
        """
        plain = _UNSAFE.sub("_", name)[-MAX_NAME_CHARS:].lstrip(".") or "unnamed"
        earlier = self._of_name(plain)
        target = self._folder / f"{plain}.{time.time_ns()}"
        note = self._note(target)
        with naming_disk_errors("put a file into quarantine", target):
            note.write_text(f"{why}\n", encoding="utf-8")
            try:
                source.replace(target)
            except OSError:
                note.unlink(missing_ok=True)
                raise
        for path in earlier:
            self._remove(path)
        return target

    def files(self) -> Iterator[tuple[Path, int]]:
        """Yield what is here and how many bytes it has, without the notes."""
        for path in sorted(self._folder.iterdir()):
            if not path.name.endswith(NOTE_SUFFIX):
                with suppress(FileNotFoundError):
                    yield path, path.lstat().st_size

    def empty(self) -> int:
        """Delete everything; return how many bytes that was.

        Raises:
            CacheReadOnly: nothing was deleted.
        """
        freed_bytes = 0
        for path, size_bytes in self.files():
            with naming_disk_errors("empty the quarantine", path):
                self._remove(path)
            freed_bytes += size_bytes
        return freed_bytes

    def _of_name(self, plain: str) -> list[Path]:
        return [path for path, _ in self.files() if path.name.rpartition(".")[0] == plain]

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._note(path).unlink(missing_ok=True)

    def _note(self, path: Path) -> Path:
        return path.with_name(f"{path.name}{NOTE_SUFFIX}")
