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


Arrived = Callable[[str, int], None]


class Arriving:
    """Turns how far a file is into how much came."""

    def __init__(self, location: str, arrived: Arrived) -> None:
        self._location = location
        self._arrived = arrived
        self._done = 0

    def begin_at(self, num_bytes: int) -> None:
        """So much was here before."""
        self._done = num_bytes

    def reached(self, num_bytes: int) -> None:
        """The file is so long now; shorter than before where it began anew. 0 says nothing."""
        if num_bytes > 0:
            came = num_bytes - self._done if num_bytes >= self._done else num_bytes
            self._arrived(self._location, came)
            self._done = num_bytes


class Downloads:
    """Part files in one folder.

    Args:
        folder: in the store, on its disk; made when it is needed.
        conversion_share: room to leave for what is made of a file, in sizes of the file.
        pause: waits before a connection that was cut is made again.
        arrived: told the location and how many bytes came from it just now.
    """

    def __init__(
        self,
        folder: Path,
        *,
        conversion_share: float = 1.0,
        pause: Callable[[float], None] = time.sleep,
        arrived: Arrived = lambda _location, _num_bytes: None,
    ) -> None:
        self._arrived = arrived
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
            arriving.reached(progress.bytes_done)

        arriving = Arriving(remote.location, self._arrived)
        with naming_refusals(self._folder, file.size_bytes):
            part = part_for(self._folder, turn, file)
            arriving.begin_at(part.size_bytes)
            try:
                transfer = Transfer(part, file, remote, report, share=self._share)
                attempts = Attempts(transfer, part, file, pause=self._pause)
                return _downloaded(part, attempts.whole())
            except BaseException:
                part.let_go()
                raise
            finally:
                arriving.reached(part.size_bytes)

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
