"""Taking blobs away: one that somebody wants after all comes back, whatever was killed when.

A blob first moves to `trash/`, where nobody finds it. Then it is asked again whether it may go: who
pinned or used it a moment before is seen now, and the blob moves back. Who comes later finds no
blob, and gets it anew. A process that dies in between leaves the question to `sweep`.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from catalog_service.blobs.census import StoredBlob
from catalog_service.blobs.disk import ensure_folder, naming_disk_errors
from catalog_service.blobs.usage import last_used

IsWanted = Callable[[StoredBlob], bool]
"""Whether a blob must stay; asked while nobody can find it."""

ABANDONED_S = 60.0
"""What lies in the trash for longer is of a process that died."""


class Removal:
    """Takes blobs out of the store under `root`. Safe to use from many processes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._trash = root / "trash"

    def take_away(self, digest: str, is_wanted: IsWanted) -> bool:
        """Delete a blob unless it is wanted or gone; return whether it was deleted.

        Raises:
            CacheReadOnly: it is still there.
        """
        hexadecimal = digest.removeprefix("sha256:")
        place = self._place(hexadecimal)
        with naming_disk_errors("remove a blob", place):
            ensure_folder(self._trash)
            try:
                place.rename(self._trash / hexadecimal)
                return self._settle(self._trash / hexadecimal, is_wanted)
            except FileNotFoundError:  # another process took it, here or in the trash
                return False

    def sweep(self, is_wanted: IsWanted, *, older_than_s: float = ABANDONED_S) -> int:
        """Finish what dead processes began; return how many blobs were deleted."""
        if not self._trash.is_dir():
            return 0
        limit = time.time() - older_than_s
        num_deleted = 0
        for path in sorted(self._trash.iterdir()):
            with suppress(FileNotFoundError):
                if path.lstat().st_ctime <= limit:
                    num_deleted += self._settle(path, is_wanted)
        return num_deleted

    def _settle(self, path: Path, is_wanted: IsWanted) -> bool:
        found = path.lstat()
        blob = StoredBlob(
            digest=f"sha256:{path.name}",
            size_bytes=found.st_size,
            last_used_time=last_used(found),
        )
        if is_wanted(blob):
            path.rename(self._place(path.name))
            return False
        path.unlink()
        return True

    def _place(self, hexadecimal: str) -> Path:
        return self._root / "sha256" / hexadecimal[:2] / hexadecimal
