"""A store on a disk that cannot be written serves what is in it and says why it keeps no more."""

import json

import pytest

from catalog_service.blobs.disk import CacheReadOnly, DiskFull, naming_disk_errors
from catalog_service.blobs.records import Records
from catalog_service.blobs.store import BlobStore
from tests.fakes.read_only import (
    DROP_RIGHTS,
    open_to_all,
    run_program,
    run_read_only,
    take_rights_away,
)

PROGRAM = """
import json, sys
from pathlib import Path
from catalog_service.blobs.records import Records
from catalog_service.blobs.store import BlobStore
from catalog_service.errors import VertebraError

#
root, digest = Path(sys.argv[1]), sys.argv[2]
store, records = BlobStore(root), Records(root, "conversions")
store.sweep_staging()

def error_of(act):
    try:
        act()
    except VertebraError as error:
        return [error.error_reason, error.message, error.metadata]

def write():
    with store.open_writer() as writer:
        writer.write(b"new")
        writer.commit()

print(json.dumps({
    "size_bytes": store.ensure_intact(digest).size_bytes,
    "record": records.get("a"),
    "absent": Records(root, "never_written").get("a"),
    "write": error_of(write),
    "put": error_of(lambda: records.put("b", {})),
    "quarantine": error_of(lambda: store.quarantine(digest, "test")),
}))
"""


def fill(root, data):
    with BlobStore(root).open_writer() as writer:
        writer.write(data)
        writer.commit()
    Records(root, "conversions").put("a", {"n": 1})


def on_a_mount(root, digest):
    return run_read_only(root, PROGRAM, str(root), digest)


def without_rights(root, digest):
    take_rights_away(root)
    return run_program(PROGRAM.replace("#", DROP_RIGHTS), str(root), digest)


@pytest.mark.parametrize("run", [on_a_mount, without_rights])
def test_reads_work_and_writes_are_refused_with_path_and_room(data, digest, run):
    with open_to_all() as folder:
        root = folder / "store"
        fill(root, data)
        ended = run(root, digest)

    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["size_bytes"] == len(data)
    assert found["record"] == {"n": 1}
    assert found["absent"] is None
    for act in ("write", "put", "quarantine"):
        reason, message, metadata = found[act]
        assert reason == "CACHE_READ_ONLY"
        assert "user " in message
        assert metadata["path"].startswith(str(root))
        assert int(metadata["free_bytes"]) > 0


def test_no_room_names_the_place_and_what_is_free(tmp_path):
    with pytest.raises(DiskFull) as caught, naming_disk_errors("store a blob", tmp_path):
        raise OSError(28, "No space left on device")

    assert caught.value.metadata["path"] == str(tmp_path)
    assert f"no room to store a blob: No space left on device: {tmp_path}" in str(caught.value)


def test_other_disk_errors_go_through(tmp_path):
    with pytest.raises(FileNotFoundError), naming_disk_errors("read"):
        (tmp_path / "absent").read_bytes()


def test_a_refusal_without_a_place_is_still_one():
    with pytest.raises(CacheReadOnly), naming_disk_errors("write"):
        raise PermissionError(13, "Permission denied")
