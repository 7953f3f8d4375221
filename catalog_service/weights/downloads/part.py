"""A file on its way, with its journal. Its bytes outlive the process that fetches them."""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from catalog_service.blobs.disk import ensure_folder
from catalog_service.weights.downloads.disk_room import ensure_room
from catalog_service.weights.downloads.journal import Journal, decoded
from catalog_service.weights.downloads.owner import this_process
from catalog_service.weights.downloads.turns import Turn
from catalog_service.weights.wanted_file import WantedFile


class Part:
    """A part file of our own: nobody else writes it.

    Args:
        path: of the bytes; the journal is beside it.
    """

    def __init__(self, path: Path, journal: Journal) -> None:
        self.path = path
        self.journal = journal
        self._journal_path = path.with_suffix(".json")
        self._descriptor = -1

    @property
    def size_bytes(self) -> int:
        """How many bytes are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    def record(self, journal: Journal) -> None:
        """Replace the journal, whole."""
        draft = self._journal_path.with_suffix(".draft")
        draft.write_bytes(journal.encoded())
        draft.replace(self._journal_path)
        self.journal = journal

    def open(self, start: int) -> None:
        """Keep the first `start` bytes; `append` goes on behind them."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, 0o600)
        os.ftruncate(self._descriptor, start)
        os.lseek(self._descriptor, start, os.SEEK_SET)

    def append(self, data: bytes) -> None:
        """Write all of `data`."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def close(self) -> None:
        """End writing; what is here stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def let_go(self) -> None:
        """Say that nobody writes: the next one may take the file itself, not a copy."""
        with suppress(OSError):  # then it is copied
            self.record(replace(self.journal, owner=None))

    def remove(self) -> None:
        """Delete the bytes and the journal."""
        _delete(self.path)
        with suppress(OSError):  # others' parts are there
            self.path.parent.rmdir()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Left:
    """What somebody left."""

    path: Path
    journal: Journal
    size_bytes: int

    @property
    def is_free(self) -> bool:
        """Whether nobody writes it for certain. Turns of one process exclude each other."""
        owner = self.journal.owner
        return owner is None or owner.is_dead or owner == this_process()


def part_for(folder: Path, turn: Turn, file: WantedFile) -> Part:
    """Return our own part file, with what others have left of it.

    The file of a writer that may be alive is copied: it may write on.

    Args:
        folder: of all downloads.

    Raises:
        DiskFull: no room for a copy.
        ForeignFile: something that is no folder has the folder's name.
        OSError: the folder cannot be written.
    """
    ours = folder_of(folder, turn.key, file)
    ensure_folder(folder)
    ensure_folder(ours)
    part = Part(ours / f"{turn.nonce}.part", Journal(owner=turn.owner, realm=turn.owner.realm))
    if part.path.exists():  # the second file of this turn, or the second attempt
        part.journal = _journal_of(part.path) or part.journal
        part.record(replace(part.journal, owner=turn.owner))
        return part
    left = sorted(_left(ours), key=lambda one: one.size_bytes)
    best = left[-1] if left and left[-1].size_bytes else None
    part.record(replace(best.journal, owner=turn.owner) if best else part.journal)
    if best is not None:
        _take_over(best, part)
    for one in left:
        if one.is_free:
            _delete(one.path)
    return part


def folder_of(folder: Path, key: str, file: WantedFile) -> Path:
    """Return where the parts of one file are: names of servers and files never are paths."""
    name = f"{key}\n{file.repository}@{file.revision}/{file.path}\n{file.file_name}"
    return folder / sha256(name.encode()).hexdigest()[:32]


def _take_over(left: _Left, part: Part) -> None:
    if not left.is_free:
        ensure_room(part.path.parent, left.size_bytes)
    with suppress(FileNotFoundError):  # somebody else took it
        if left.is_free:
            left.path.rename(part.path)
        else:
            shutil.copyfile(left.path, part.path)


def _left(folder: Path) -> list[_Left]:
    """Return all parts, and journals that lost theirs to a kill, as parts without a byte."""
    paths = {path.with_suffix(".part") for path in folder.iterdir()}
    return [
        _Left(path=path, journal=_journal_of(path) or Journal(), size_bytes=_size(path))
        for path in paths
    ]


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def _journal_of(path: Path) -> Journal | None:
    try:
        return decoded(path.with_suffix(".json").read_bytes())
    except OSError:
        return None


def _delete(path: Path) -> None:
    for suffix in (".part", ".json", ".draft"):
        path.with_suffix(suffix).unlink(missing_ok=True)
