"""A lease on a key, as numbered files in one folder. Locks of the file system are never used.

The state of a key is its file with the highest number. To take the lease one makes the next number
by a hard link, which exactly one process can. The numbers never begin again while the folder is
there, so nobody can take the place of a file that he judged long ago: a number below the highest
is lost, whoever made it. A lease is given back by rewriting its file.
"""

import errno
import json
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog_service.blobs.disk import ensure_folder
from catalog_service.weights.downloads.owner import Owner, owner_from_json, this_process
from catalog_service.weights.progress import Progress

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""What file systems without hard links answer: exFAT, some that are mounted over a network."""

NOBODY_YET = Owner(host="this store", realm="", pid=0, start_ticks=0)
"""Of a lease that is being written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who has the lease, and what it is doing.

    Attributes:
        nonce: tells two leases of one process apart.
        beat: differs from the one before while the holder is alive.
        progress: what it reported last; None where it reported nothing yet.
    """

    owner: Owner
    nonce: str
    beat: int = 0
    progress: Progress | None = None

    def report(self) -> Progress:
        """Return the holder's progress, for those who wait for it."""
        known = self.progress or Progress(step="resolving", text="")
        doing = known.text or f"{known.step} has begun"
        return Progress(
            step="waiting",
            text=f"{self.owner} does it: {doing}",
            location=known.location,
            bytes_done=known.bytes_done,
            bytes_total=known.bytes_total,
            bytes_per_s=known.bytes_per_s,
            remaining_s=known.remaining_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One numbered file."""

    path: Path
    number: int
    holder: Holder | None
    """None once it was given back, and for a file that is no lease."""


class LeaseFolder:
    """The leases of one key.

    Args:
        folder: made when a lease is taken; its parents too.
        link: makes a hard link.
    """

    def __init__(self, folder: Path, *, link: Callable[[Path, Path], None] = os.link) -> None:
        self.folder = folder
        self._link = link

    def current(self) -> Lease:
        """Return the lease that counts; number 0 is held by nobody."""
        number = max(self._numbers(), default=0)
        path = self.folder / str(number)
        try:
            content = path.read_bytes()
        except OSError:
            return Lease(path=path, number=number, holder=None)
        holder = _holder(content) if content else Holder(owner=NOBODY_YET, nonce=path.name)
        return Lease(path=path, number=number, holder=holder)

    def take(self, after: Lease) -> Lease | None:
        """Return the lease that follows `after`, ours; None if somebody else was faster.

        Raises:
            ForeignFile: something that is no folder has the folder's name.
            OSError: the folder cannot be written.
        """
        ensure_folder(self.folder)
        holder = Holder(owner=this_process(), nonce=secrets.token_hex(8))
        number = after.number + 1
        path = self.folder / str(number)
        if not self._make(path, _content(holder)) or max(self._numbers()) != number:
            return None
        for old in self._numbers():
            if old < number:
                (self.folder / str(old)).unlink(missing_ok=True)
        return Lease(path=path, number=number, holder=holder)

    def _make(self, path: Path, content: bytes) -> bool:
        draft = self.folder / f".{path.name}.{secrets.token_hex(8)}"
        try:
            draft.write_bytes(content)
            self._link(draft, path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            return _make_in_place(path, content)
        finally:
            draft.unlink(missing_ok=True)
        return True

    def _numbers(self) -> list[int]:
        try:
            return [int(one.name) for one in self.folder.iterdir() if one.name.isdecimal()]
        except FileNotFoundError:
            return []


def _make_in_place(path: Path, content: bytes) -> bool:
    """Make a file that is empty for a moment: as good where there are no links."""
    try:
        with path.open("xb", buffering=0) as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def renew(lease: Lease, progress: Progress | None, beat: int) -> bool:
    """Show that the holder lives; return False once the lease is somebody else's."""
    assert lease.holder is not None
    if not lease.path.exists():
        return False
    holder = Holder(
        owner=lease.holder.owner, nonce=lease.holder.nonce, beat=beat, progress=progress
    )
    _rewrite(lease.path, _content(holder))
    return True


def give_back(lease: Lease) -> None:
    """Let the next one have it."""
    if lease.path.exists():
        _rewrite(lease.path, b"{}")


def _rewrite(path: Path, content: bytes) -> None:
    """Replace whole; a disk without room still lets the holder end, and be found dead."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


_NUMBERS = ("bytes_done", "bytes_total", "bytes_per_s", "remaining_s")
_TEXTS = ("step", "text", "location")


def _content(holder: Holder) -> bytes:
    value: dict[str, Any] = {
        "owner": holder.owner.as_json(),
        "nonce": holder.nonce,
        "beat": holder.beat,
    }
    if holder.progress is not None:
        fields = (*_TEXTS, *_NUMBERS)
        value["progress"] = {name: getattr(holder.progress, name) for name in fields}
    return json.dumps(value).encode()


def _holder(content: bytes) -> Holder | None:
    try:
        value = json.loads(content)
        owner = owner_from_json(value["owner"])
        if owner is None:
            return None
        return Holder(
            owner=owner,
            nonce=str(value["nonce"]),
            beat=int(value["beat"]),
            progress=Progress(**value["progress"]) if "progress" in value else None,
        )
    except (ValueError, KeyError, TypeError):
        return None
