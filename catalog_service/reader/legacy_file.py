"""The format of `torch.save` before 1.6: five pickles in a row, then the storages' bytes.

Source: torch/serialization.py, `_legacy_save` and `_legacy_load`.
"""

import struct
from typing import IO, Any

from catalog_service.reader.pickle_machine import PickleMachine
from catalog_service.reader.pickled_values import ITEM_BYTES, PickledMapping
from catalog_service.reader.unreadable import FileUnreadable
from catalog_service.reader.zip_file import MAX_ENTRIES, MAX_POSITION, PickledFile

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
MAGIC_BYTES = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The magic number as a pickle of protocol 2, which is how every such file begins."""

_PROTOCOL_VERSION = 1001


def read_legacy(file: IO[bytes]) -> PickledFile:
    """Return the value and the storage table of a pre-zip file.

    Raises:
        FileUnreadable: not this format, cut, big-endian, or a malformed pickle.
    """
    if PickleMachine().run(file) != MAGIC_NUMBER or PickleMachine().run(file) != _PROTOCOL_VERSION:
        raise FileUnreadable("not a file of torch.save")
    system = PickleMachine().run(file)
    if isinstance(system, PickledMapping) and system.items.get("little_endian") is False:
        raise FileUnreadable("numbers in big-endian order")
    machine = PickleMachine()
    root = machine.run(file)
    keys = PickleMachine().run(file)
    if not isinstance(keys, list) or len(keys) > MAX_ENTRIES:
        raise FileUnreadable("a malformed list of storages")
    item_bytes = {
        key: ITEM_BYTES[dtype] if dtype else 1 for key, dtype in machine.storage_dtypes.items()
    }
    return PickledFile(format="legacy", root=root, storages=_storages(file, keys, item_bytes))


def _storages(
    file: IO[bytes], keys: list[Any], item_bytes: dict[str, int]
) -> dict[str, tuple[int, int]]:
    """Walk the storages: each is its number of items (int64), then its bytes."""
    table: dict[str, tuple[int, int]] = {}
    for key in keys:
        header = file.read(8)
        if len(header) != 8 or key not in item_bytes:
            raise FileUnreadable(f"storage {key!r} is cut or was never announced"[:200])
        num_bytes, position = struct.unpack("<q", header)[0] * item_bytes[key], file.tell()
        if not 0 <= num_bytes < MAX_POSITION - position:
            raise FileUnreadable(f"storage {key!r} of {num_bytes} bytes"[:200])
        table[key] = (position, num_bytes)
        file.seek(num_bytes, 1)
    return table
