"""`vertebra cache`: what people and programs read, and how it ends."""

import json

import click
import pytest

from tests.clients.python.cli.conftest import Terminal, told
from tests.clients.python.conftest import Shell
from tests.fakes.fake_catalog import FakeCatalog
from tests.fakes.fake_storage import entries
from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.cli import exit_codes
from vertebra.cli.cache import KINDS, entries_table, idle, num_bytes, progress_line


def test_a_list_says_what_each_blob_is_for_and_why_it_stays(
    shell: Shell, with_catalog: FakeCatalog
) -> None:
    code, out, _ = shell("cache", "ls", "--filter", "kind = model")

    lines = out.splitlines()
    assert code == exit_codes.OK
    assert lines[0].split() == ["BLOB", "KIND", "SIZE", "IDLE", "FOR", "STAYS", "BECAUSE"]
    assert "ResNet18_Weights.IMAGENET1K_V1" in lines[1]
    assert "pinned by cli/ann" in lines[1]
    assert "models/22222222 " in lines[2]
    assert lines[-3:] == [
        "stored      4 blobs, 10.0 kB of 50.0 kB",
        "free        7.0 MB",
        "quarantine  1 file, 500 B",
    ]
    assert with_catalog.storage.asked[0].filter == "kind = model"


def test_a_list_for_programs_is_the_contracts(shell: Shell, with_catalog: FakeCatalog) -> None:
    _, out, _ = shell("cache", "ls", "--json")

    rows = json.loads(out)["entries"]
    assert [row["kind"] for row in rows] == [
        f"ENTRY_KIND_{kind}" for kind in ("WEIGHTS", "MODEL", "CHECKPOINT", "UPLOAD")
    ]


def test_a_read_only_store_says_so(shell: Shell, with_catalog: FakeCatalog) -> None:
    with_catalog.storage.is_read_only = True

    _, out, _ = shell("cache", "ls")
    code, _, err = shell("cache", "prune")

    assert "the store is read-only" in out
    assert code == exit_codes.REFUSED
    assert "user 7 cannot remove a blob" in err


def test_a_sound_store_is_one_line(shell: Shell, with_catalog: FakeCatalog) -> None:
    with_catalog.storage.is_sound = True

    code, out, err = shell("cache", "verify")

    assert (code, err) == (exit_codes.OK, "")
    assert out == "4 blobs, 10.0 kB: every byte is as it was stored\n"


def test_a_bad_blob_is_named_with_what_to_do_and_ends_with_a_code(
    shell: Shell, with_catalog: FakeCatalog
) -> None:
    code, out, err = shell("cache", "verify", "resnet18")

    assert code == exit_codes.REFUSED
    assert "1 blob with other bytes" in out
    assert "BuildModel builds it" in err
    assert with_catalog.storage.asked[0].names == ["resnet18"]


def test_pruning_says_what_went_and_what_had_to_stay(
    shell: Shell, with_catalog: FakeCatalog
) -> None:
    _, out, _ = shell("cache", "prune", "--to", "1.5kB", "--kind", "upload", "--quarantine")

    assert out.splitlines()[-4:] == [
        "removed     1 blob, 4.0 kB",
        "quarantine  500 B",
        "left        6.0 kB",
        "must stay   3 blobs, 6.0 kB: pinned, in use, or only copies",
    ]
    (request,) = with_catalog.storage.asked
    assert request == wire.PruneCacheRequest(
        target_bytes=1500, kinds=[wire.ENTRY_KIND_UPLOAD], quarantine=True
    )


def test_a_dry_run_says_that_it_is_one(shell: Shell, with_catalog: FakeCatalog) -> None:
    _, out, _ = shell("cache", "prune", "--dry-run")

    assert "would go" in out
    assert "removed" not in out
    (request,) = with_catalog.storage.asked
    assert request == wire.PruneCacheRequest(dry_run=True)


@pytest.mark.parametrize(("command", "pinned_by"), [("pin", "cli/ann"), ("unpin", "nobody")])
def test_pins_are_shown_as_they_are_now(
    shell: Shell, with_catalog: FakeCatalog, command: str, pinned_by: str
) -> None:
    code, out, _ = shell("cache", command, "resnet18", "--owner", "me")

    assert code == exit_codes.OK
    assert out.splitlines()[1].endswith(pinned_by)
    assert with_catalog.storage.asked[0].owner == "me"


def test_somebody_without_a_name_is_somebody(
    shell: Shell, with_catalog: FakeCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("uid")

    monkeypatch.setattr("getpass.getuser", nobody)

    shell("cache", "pin", "resnet18")

    assert with_catalog.storage.asked[0].owner == "cli/somebody"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("1500", 1500),
        ("50GB", 50 * 10**9),
        ("1.5 GiB", 1_610_612_736),
        ("2k", 2000),
        ("1TiB", 2**40),
    ],
)
def test_a_size_is_written_as_people_write_it(text: str, expected: int) -> None:
    assert num_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "GB", "-1", "1 parsec", "1e9", "0x10"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no size"):
        num_bytes(text)


def test_every_kind_has_a_word() -> None:
    assert set(KINDS.values()) == set(wire.EntryKind.values()) - {0}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-5, "now"), (59, "now"), (60, "1 min"), (7199, "1 h"), (86_400, "1 d"), (3e7, "347 d")],
)
def test_idle_time_is_told_in_one_unit(seconds: float, expected: str) -> None:
    assert idle(seconds) == expected


def test_where_there_is_little_room_digests_sizes_and_kinds_stay_whole(terminal: Terminal) -> None:
    page = terminal(80)

    page.print(entries_table(entries()))
    page.print(progress_line(wire.VerifyProgress(bytes_done=5, bytes_total=10, num_total=2)))

    lines = told(page)
    assert max(map(len, lines)) <= 80
    for digit, kind in zip("1234", ("weights", "model", "checkpoint", "upload"), strict=True):
        assert sum(line.startswith(f"{digit * 12}  {kind}") for line in lines) == 1
    assert "5 B of 10 B, 0 of 2 blobs" in lines[-1]
