"""Disks that are full, or not ours to write: typed errors that name path, need and room."""

import json
import sys

import pytest

from tests.catalog_service.weights.downloads.conftest import DATA, PATH
from tests.fakes.faulty_origin import faulty_origin
from tests.fakes.read_only import (
    DROP_RIGHTS,
    open_to_all,
    run_program,
    run_read_only,
    take_rights_away,
)

PROGRAM = f"""
import sys
sys.path[:0] = {sys.path!r}
import json, resource
from pathlib import Path
from catalog_service.errors import VertebraError
from catalog_service.weights.downloads.downloads import Downloads
from catalog_service.weights.downloads.turns import Turns
from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.policy import HttpPolicy
from catalog_service.weights.locations.location import RemoteFile
from catalog_service.weights.wanted_file import WantedFile
#
root, url, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
remote = RemoteFile(location="origin", url=url, client=HttpClient(HttpPolicy()))
try:
    with Turns(root / "turns").turn("r") as turn:
        file = WantedFile(reference="r", file_name="r.pth")
        Downloads(root / "downloads").fetch(turn, file, remote, lambda _: None)
        print(json.dumps({{"reason": "none"}}))
except VertebraError as error:
    print(json.dumps({{"reason": error.error_reason, "text": error.message, **error.metadata}}))
"""


def on_a_mount(root, *arguments):
    return run_read_only(root, PROGRAM, str(root), *arguments)


def without_rights(root, *arguments):
    take_rights_away(root)
    return run_program(PROGRAM.replace("\n#\n", DROP_RIGHTS), str(root), *arguments)


@pytest.mark.parametrize("run", [on_a_mount, without_rights])
def test_a_store_that_cannot_be_written_says_so_before_a_server_is_asked(run):
    with open_to_all() as folder, faulty_origin() as origin:
        root = folder / "store"
        root.mkdir()
        ended = run(root, origin.add(PATH, DATA), "0")

        assert ended.returncode == 0, ended.stderr
        found = json.loads(ended.stdout)
        assert found["reason"] == "CACHE_READ_ONLY"
        assert found["path"].startswith(str(root)) and found["path"] in found["text"]
        assert origin.requests == []


@pytest.mark.parametrize("limit", [100_000, len(DATA) - 1])
def test_a_disk_that_fills_up_meanwhile_says_what_is_missing(tmp_path, limit, counted):
    """RLIMIT_FSIZE: the kernel writes what fits, then refuses, as a full disk does."""
    with faulty_origin() as origin:
        ended = run_program(PROGRAM, str(tmp_path), origin.add(PATH, DATA), str(limit))

    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["reason"] == "DISK_FULL"
    assert int(found["need_bytes"]) == len(DATA) and int(found["free_bytes"]) > 0
    assert found["path"].startswith(str(tmp_path)) and found["path"] in found["text"]
    counted(full_disks=1)


def test_a_disk_with_just_enough_room_is_enough(tmp_path):
    with faulty_origin() as origin:
        ended = run_program(PROGRAM, str(tmp_path), origin.add(PATH, DATA), str(len(DATA)))

    assert json.loads(ended.stdout) == {"reason": "none"}


def test_a_place_that_is_no_folder_is_named(tmp_path):
    (tmp_path / "downloads").write_text("somebody's file")
    with faulty_origin() as origin:
        ended = run_program(PROGRAM, str(tmp_path), origin.add(PATH, DATA), "0")

    found = json.loads(ended.stdout)
    assert found["reason"] == "STORE_OBSTRUCTED"
    assert str(tmp_path / "downloads") in found["text"]
