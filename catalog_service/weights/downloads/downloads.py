"""Fetches one file from one server into a part file, going on where anybody stopped before."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from catalog_service.weights.downloads.attempts import Attempts
from catalog_service.weights.downloads.disk_room import naming_refusals
from catalog_service.weights.downloads.journal import Journal
from catalog_service.weights.downloads.part import Part, part_for
from catalog_service.weights.downloads.transfer import Transfer
from catalog_service.weights.downloads.turns import Turn
from catalog_service.weights.locations.location import RemoteFile
from catalog_service.weights.progress import Progress, Tell
from catalog_service.weights.wanted_file import WantedFile

STALE_S = 7 * 24 * 3600.0
"""A part that nobody touched for a week is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """A whole file as some server sent it; nothing is proven yet.

    Attributes:
        path: read it, or move it away, and then `Downloads.discard`.
        sha256: 64 hex digits of the bytes at `path`.
        etag, commit, declared_sha256: what the server said; empty where it said nothing.
    """

    path: Path
    sha256: str
    size_bytes: int
    etag: str = ""
    commit: str = ""
    declared_sha256: str = ""


class Downloads:
    """Part files in one folder.

    Args:
        folder: in the store, on its disk; made when it is needed.
        conversion_share: room to leave for what is made of a file, in sizes of the file.
        pause: waits before a connection that was cut is made again.
    """

    def __init__(
        self,
        folder: Path,
        *,
        conversion_share: float = 1.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder = folder
        self._share = conversion_share
        self._pause = pause

    def fetch(self, turn: Turn, file: WantedFile, remote: RemoteFile, tell: Tell) -> Downloaded:
        """Return the whole file, downloaded as far as it was not here.

        A failed download keeps what has arrived for the next attempt, from this server or another.

        Args:
            turn: for this file; nobody else downloads it meanwhile.
            tell: takes progress; those who wait for the turn see it too.

        Raises:
            DiskFull: no room for the file and its conversion.
            CacheReadOnly: the store cannot be written.
            NotThere, Gated, Unreachable, ...: as `weights/http/failures.py` has them.
        """

        def report(progress: Progress) -> None:
            turn.note(progress)
            tell(progress)

        with naming_refusals(self._folder, file.size_bytes):
            part = part_for(self._folder, turn, file)
            try:
                transfer = Transfer(part, file, remote, report, share=self._share)
                attempts = Attempts(transfer, part, file, pause=self._pause)
                return _downloaded(part, attempts.whole())
            except BaseException:
                part.let_go()
                raise

    def discard(self, downloaded: Downloaded) -> None:
        """Delete a file that was used or refused; it may have been moved away."""
        Part(downloaded.path, Journal()).remove()

    def sweep(self, *, older_than_s: float = STALE_S) -> int:
        """Delete what was given up; return how many files' parts that was."""
        limit = time.time() - older_than_s
        folders = [one for one in self._folder.glob("*") if one.is_dir()]
        stale = [one for one in folders if _newest(one) < limit]
        for one in stale:
            shutil.rmtree(one, ignore_errors=True)
        return len(stale)


def _downloaded(part: Part, digest: str) -> Downloaded:
    return Downloaded(
        path=part.path,
        sha256=digest,
        size_bytes=part.size_bytes,
        etag=part.journal.etag,
        commit=part.journal.commit,
        declared_sha256=part.journal.declared_sha256,
    )


def _newest(folder: Path) -> float:
    return max((path.lstat().st_mtime for path in folder.iterdir()), default=folder.stat().st_mtime)
