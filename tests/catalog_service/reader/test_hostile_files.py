"""Files made to hurt: each is refused in words, leaves no trace, and takes little memory.

Every file is read by a process of its own that reports what its child took.
"""

import json
import os
import pickle
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.fakes.pickled_calls import Calls

MAX_MEMORY_BYTES = 200_000_000
DEADLINE_S = 60
"""A few seconds on a quiet machine; whoever loops without end fails."""

READ = """
import json, resource, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from catalog_service.errors import VertebraError
from catalog_service.reader.read_file import list_tensors, write_tensors
path, out = Path(sys.argv[1]), Path(sys.argv[2])
try:
    listing = list_tensors(path)
    write_tensors(path, {{t.name: t.name for t in listing.tensors}}, out)
    said = ["read", str(len(listing.tensors))]
except VertebraError as error:
    said = [error.error_reason, error.message]
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([*said, used.ru_maxrss * 1024]))
"""


def zip_of(path: Path, entries: dict[str, bytes], **options: Any) -> None:
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def one_storage_two_kinds(path: Path) -> None:
    """torch.load reads all of it as the first says."""
    whole = path.with_name("whole.pth")
    torch.save({"a": torch.zeros(2), "b": torch.zeros(2, dtype=torch.int32)}, whole)
    with zipfile.ZipFile(whole) as archive:
        pickled = archive.read("whole/data.pkl").replace(
            b"X\x01\x00\x00\x001", b"X\x01\x00\x00\x000"
        )
    zip_of(path, {"a/data.pkl": pickled, "a/data/0": bytes(8)})


def a_tensor_called_metadata(path: Path) -> None:
    torch.save({"__metadata__": torch.zeros(1)}, path)


def nested(depth: int) -> bytes:
    return b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b"."


def command(path: Path) -> None:
    marker = path.with_name("marker")
    torch.save({"w": torch.zeros(1), "x": Calls(os.system, f"touch {marker}")}, path)


def command_in_a_list_of_storages(path: Path) -> None:
    """Legacy files hold five pickles; the last one is a list of keys."""
    torch.save({"w": torch.zeros(1)}, path, _use_new_zipfile_serialization=False)
    evil = pickle.dumps(Calls(os.system, f"touch {path.with_name('marker')}"), protocol=2)
    whole = path.read_bytes()
    end = whole.rindex(b"\x80\x02]")
    path.write_bytes(whole[:end] + evil + whole[end:])


def deflated(path: Path) -> None:
    state = {"a/data.pkl": b"\x80\x02}.", "a/data/0": bytes(100_000_000)}
    zip_of(path, state, compression=zipfile.ZIP_DEFLATED)


def link(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        info = zipfile.ZipInfo("a/data/0")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, b"/etc/passwd")


def outside(path: Path) -> None:
    zip_of(path, {"a/data.pkl": b"\x80\x02}.", "a/data/../../../etc/cron.d/x": b"x"})


def million_tensors(path: Path) -> None:
    """One storage and a million views, as compact as a pickle can be: the memo has their parts."""
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\nq\x01"
    storage = (
        b"((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x01tQ"
        b"K\x00)))tq\x02"
    )
    one = b"\x8c\x07%07dh\x01h\x02R"
    pairs = b"".join(one % number for number in range(1_000_000))
    data = b"\x80\x02" + tensor + b"0" + storage + b"0}(" + pairs + b"u."
    zip_of(path, {"a/data.pkl": data, "a/data/0": bytes(4)})


def million_entries(path: Path) -> None:
    """The list of entries alone, as zip has it."""
    fields = (20, 3, 20, *[0] * 8, 7, *[0] * 6)
    head = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", *fields)
    central = b"".join(head + b"%07d" % number for number in range(1_000_000))
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, len(central), 4, 0)
    path.write_bytes(b"PK\x03\x04" + central + end)


def deep_nest(path: Path) -> None:
    zip_of(path, {"a/data.pkl": nested(400_000)})


def long_number(path: Path) -> None:
    """A decimal of ten million digits takes minutes to convert."""
    zip_of(path, {"a/data.pkl": b"\x80\x02L" + b"9" * 10_000_000 + b"L\n."})


def growing_tuple(path: Path) -> None:
    """Each step doubles what a careless reader would print or copy."""
    zip_of(path, {"a/data.pkl": b"\x80\x02K\x01" + b"\x85q\x00h\x00h\x00\x86" * 300_000 + b"."})


def safetensors(header: bytes, *, announced: int | None = None, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header) if announced is None else announced) + header + body


def tensor(**changes: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **changes}


def json_file(header: Any, body: bytes = bytes(8)) -> Callable[[Path], None]:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return lambda path: path.write_bytes(safetensors(text, body=body)) and None


def long_header(path: Path) -> None:
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 100_000_001) + b"{")
        file.truncate(100_000_100)


def wide_header(path: Path) -> None:
    """A header within the limit, of three million names."""
    names = b",".join(b'"%07d":0' % number for number in range(3_000_000))
    path.write_bytes(safetensors(b"{" + names + b"}"))


HOSTILE: dict[str, tuple[Callable[[Path], None], str]] = {
    "a command": (command, "asks to run"),
    "a command among the storages": (command_in_a_list_of_storages, "asks to run"),
    "a compressed archive": (deflated, "compressed"),
    "a link in the archive": (link, "is a link"),
    "an entry outside of the archive": (outside, "outside"),
    "a million tensors": (million_tensors, "opcodes"),
    "a million entries": (million_entries, "too long"),
    "a list in a list in a list": (deep_nest, "no state dictionary|malformed|memory"),
    "a number of ten million digits": (long_number, "malformed|digits"),
    "a tuple of tuples": (growing_tuple, "no state|opcodes|malformed|memory"),
    "a header of 100 MB and a byte": (long_header, "announce 100000001 bytes"),
    "a header of three million names": (wide_header, "memory|malformed|not exactly"),
    "overlapping tensors": (
        json_file({"a": tensor(), "b": tensor()}, bytes(4)),
        "overlaps",
    ),
    "a hole between tensors": (
        json_file({"a": tensor(), "b": tensor(data_offsets=[8, 12])}, bytes(12)),
        "hole",
    ),
    "a shape that overflows": (json_file({"a": tensor(shape=[2**62, 2**62, 4])}), "does not fit"),
    "a name twice": (json_file(b'{"a":0,"a":1}'), "twice"),
    "a name that is no text": (json_file(b'{"\xff":0}'), "not JSON"),
    "a storage of two kinds": (one_storage_two_kinds, "two kinds of numbers"),
    "a name that safetensors cannot hold": (a_tensor_called_metadata, "is called '__metadata__'"),
    "half a surrogate pair": (json_file(rb'{"\ud800":0}'), "not Unicode"),
}


def read(path: Path) -> tuple[str, str, int]:
    """Return the reason, the message and the child's resident bytes."""
    program = READ.format(root=str(Path(__file__).parents[3]))
    found = subprocess.run(
        [sys.executable, "-c", program, str(path), str(path.with_name("out"))],
        capture_output=True,
        check=True,
        timeout=DEADLINE_S,
    )
    reason, message, memory = json.loads(found.stdout)
    return reason, message, memory


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_in_words_and_little_memory(name: str, tmp_path: Path) -> None:
    make, message = HOSTILE[name]
    path = tmp_path / "hostile.pth"
    make(path)

    reason, said, memory = read(path)

    assert reason == "FILE_UNREADABLE", said
    assert any(part in said for part in message.split("|")), said
    assert len(said) < 1000
    assert memory < MAX_MEMORY_BYTES
    assert not (tmp_path / "marker").exists()
    assert not (tmp_path / "out").exists()


def test_a_state_of_twenty_thousand_tensors_is_read(tmp_path: Path) -> None:
    """Control: the limits leave room for ten times the largest published state."""
    path = tmp_path / "many.pth"
    torch.save({f"layers.{number}.weight": torch.zeros(1) for number in range(20_000)}, path)

    reason, said, memory = read(path)

    assert (reason, said) == ("read", "20000")
    assert memory < MAX_MEMORY_BYTES
