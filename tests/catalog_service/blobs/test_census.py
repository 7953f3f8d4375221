"""What a store holds is counted without what does not belong there."""

import os

from catalog_service.blobs.census import is_read_only, self_check, stored_blobs
from catalog_service.blobs.store import BlobStore
from tests.fakes.read_only import (
    DROP_RIGHTS,
    open_to_all,
    run_program,
    run_read_only,
    take_rights_away,
)

LOOK = """
import sys
from pathlib import Path
from catalog_service.blobs.census import is_read_only
#
print(is_read_only(Path(sys.argv[1])))
"""


def test_only_blobs_are_counted(store, data, digest):
    with store.open_writer() as writer:
        writer.write(data)
        writer.commit()
    folder = store.root / "sha256" / digest[7:9]
    (folder / "note.txt").write_text("x")
    (folder / ("0" * 64)).symlink_to(folder / digest[7:])
    (store.root / "sha256" / "elsewhere").symlink_to(folder)
    (store.root / "sha256" / "file").write_text("x")

    assert [blob.digest for blob in stored_blobs(store.root)] == [digest]


def test_a_store_on_a_read_only_mount_says_so(store):
    assert not is_read_only(store.root)

    found = run_read_only(store.root, LOOK, str(store.root))

    assert found.stdout == "True\n", found.stderr


def test_a_store_of_somebody_else_is_read_only():
    with open_to_all() as folder:
        root = BlobStore(folder / "store").root
        take_rights_away(root)

        found = run_program(LOOK.replace("#", DROP_RIGHTS), str(root))

    assert found.stdout == "True\n", found.stderr


def test_the_check_at_the_start_names_path_user_and_room(store):
    line = self_check(store.root)

    assert f"blob store {store.root} is writable for user {os.getuid()};" in line
    assert "bytes are free" in line
