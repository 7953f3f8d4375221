"""The zip format of `torch.save` since 1.6: `<prefix>/data.pkl` and one stored entry per storage.

Every entry of such a file is stored as it is. A compressed entry is refused, which leaves no way to
build a zip bomb. Entry names are keys of a table, never paths.

Source: torch/serialization.py, `_save` and `_load`.
"""

import io
import stat
import struct
import zipfile
from dataclasses import dataclass
from typing import IO, Any

from catalog_service.reader.pickle_machine import PickleMachine
from catalog_service.reader.unreadable import FileUnreadable

MAX_ENTRIES = 100_000
MAX_READ_BYTES = 8 * 2**20
"""Of the archive's list of entries: 100,000 with the names that torch gives them."""

MAX_PICKLE_BYTES = 16 * 2**20
MAX_POSITION = 2**50
"""In a file. A disk asked for what lies far beyond answers as if it were broken."""

_LOCAL_HEADER = struct.Struct("<4s22xHH")


@dataclass(frozen=True, slots=True, kw_only=True)
class PickledFile:
    """What a file holds: its value, and where the storages' bytes are.

    Attributes:
        storages: key -> (first byte in the file, number of bytes).
    """

    format: str
    root: Any
    storages: dict[str, tuple[int, int]]


def read_zip(file: IO[bytes]) -> PickledFile:
    """Return the value and the storage table of a zip file.

    Raises:
        FileUnreadable: not torch's layout, compressed or doubled entries, or a malformed pickle.
    """
    try:
        with zipfile.ZipFile(_Frugal(file)) as archive:
            entries = _entries(archive)
    except (zipfile.BadZipFile, ValueError, EOFError, struct.error, NotImplementedError) as error:
        raise FileUnreadable(f"a malformed zip file: {error}") from error
    prefix = _prefix(entries)
    _check_byte_order(file, entries.get(f"{prefix}byteorder"))
    pickle_entry = entries[f"{prefix}data.pkl"]
    if pickle_entry.file_size > MAX_PICKLE_BYTES:
        raise FileUnreadable(f"data.pkl has {pickle_entry.file_size} bytes; the limit is 16 MiB")
    root = PickleMachine().run(io.BytesIO(_read(file, pickle_entry)))
    storages = {
        name.removeprefix(f"{prefix}data/"): (_data_offset(file, entry), entry.file_size)
        for name, entry in entries.items()
        if name.startswith(f"{prefix}data/")
    }
    return PickledFile(format="zip", root=root, storages=storages)


class _Frugal:
    """A file for `zipfile`, which reads the whole list of entries at once, however long it is."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, count: int = -1, /) -> bytes:
        """Return `count` bytes, or all that follow.

        Raises:
            FileUnreadable: that is more than a list of entries has.
        """
        most = MAX_READ_BYTES + 1
        data = self._file.read(min(count, most) if count >= 0 else most)
        if len(data) > MAX_READ_BYTES:
            raise FileUnreadable("a zip file whose list of entries is too long for a tensor file")
        return data


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise FileUnreadable(f"{len(infos)} zip entries; the limit is {MAX_ENTRIES}")
    if any(info.filename.endswith("/constants.pkl") for info in infos):
        raise FileUnreadable(
            "a TorchScript file, which holds code; write its numbers alone with "
            "torch.save(torch.jit.load(file).state_dict(), path)"
        )
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 0x1:
            raise FileUnreadable(
                f"zip entry {info.filename!r} is compressed or encrypted; torch.save does neither"
            )
        if stat.S_ISLNK(info.external_attr >> 16):
            raise FileUnreadable(f"zip entry {info.filename!r} is a link; torch.save makes none")
        if info.filename.startswith("/") or ".." in info.filename.split("/"):
            raise FileUnreadable(f"zip entry {info.filename!r} names a place outside of the file")
    entries = {info.filename: info for info in infos}
    if len(entries) != len(infos):
        raise FileUnreadable("two zip entries have one name")
    return entries


def _prefix(entries: dict[str, zipfile.ZipInfo]) -> str:
    pickles = [name for name in entries if name == "data.pkl" or name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise FileUnreadable(f"a zip file with {len(pickles)} data.pkl entries, not with one")
    return pickles[0].removesuffix("data.pkl")


def _check_byte_order(file: IO[bytes], entry: zipfile.ZipInfo | None) -> None:
    if entry is not None and entry.file_size < 16 and _read(file, entry).strip() == b"big":
        raise FileUnreadable("numbers in big-endian order")


def _read(file: IO[bytes], entry: zipfile.ZipInfo) -> bytes:
    file.seek(_data_offset(file, entry))
    content = file.read(entry.file_size)
    if len(content) != entry.file_size:
        raise FileUnreadable(f"zip entry {entry.filename!r} is cut")
    return content


def _data_offset(file: IO[bytes], entry: zipfile.ZipInfo) -> int:
    if not 0 <= entry.header_offset < MAX_POSITION:
        raise FileUnreadable(f"zip entry {entry.filename!r} is nowhere in the file")
    file.seek(entry.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) != _LOCAL_HEADER.size or header[:4] != b"PK\x03\x04":
        raise FileUnreadable(f"zip entry {entry.filename!r} has no local header")
    _, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
    return int(entry.header_offset + _LOCAL_HEADER.size + name_bytes + extra_bytes)
