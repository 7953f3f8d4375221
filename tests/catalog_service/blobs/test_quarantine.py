"""Wrong bytes are kept for inspection, and cannot fill the disk."""

import pytest

from catalog_service.blobs.quarantine import Quarantine


@pytest.fixture
def quarantine(tmp_path):
    folder = tmp_path / "quarantine"
    folder.mkdir()
    return Quarantine(folder)


def bad_file(tmp_path, data=b"bad"):
    path = tmp_path / "part"
    path.write_bytes(data)
    return path


def test_a_file_moves_and_its_note_says_why(quarantine, tmp_path):
    target = quarantine.take(bad_file(tmp_path), "x.pth", "is cut short")

    assert target.read_bytes() == b"bad"
    assert target.with_name(f"{target.name}.why.txt").read_text() == "is cut short\n"
    assert not (tmp_path / "part").exists()


def test_the_newest_of_a_name_is_kept(quarantine, tmp_path):
    """A server that sends the same rubbish again and again fills no disk."""
    for data in (b"one", b"two"):
        quarantine.take(bad_file(tmp_path, data), "x.pth", "why")
    quarantine.take(bad_file(tmp_path, b"other"), "y.pth", "why")

    assert sorted(path.read_bytes() for path, _ in quarantine.files()) == [b"other", b"two"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a" * 500, "..", "", "ü\n/x"])
def test_no_name_leads_elsewhere(quarantine, tmp_path, name):
    target = quarantine.take(bad_file(tmp_path), name, "why")

    assert target.parent == tmp_path / "quarantine"
    assert target.read_bytes() == b"bad"


def test_emptying_says_how_much_it_was(quarantine, tmp_path):
    quarantine.take(bad_file(tmp_path), "x.pth", "why")

    assert quarantine.empty() == 3
    assert list((tmp_path / "quarantine").iterdir()) == []
    assert quarantine.empty() == 0


def test_a_file_that_is_gone_leaves_no_note(quarantine, tmp_path):
    with pytest.raises(FileNotFoundError):
        quarantine.take(tmp_path / "gone", "x.pth", "why")

    assert list((tmp_path / "quarantine").iterdir()) == []
