"""A file that shows that a worker moves."""

from pathlib import Path

from trainer_service.sign_of_life import SignOfLife


def test_the_file_is_touched_once_a_second_at_most(tmp_path: Path) -> None:
    now = 0.0
    path = tmp_path / "alive"
    life = SignOfLife(path, lambda: now)

    life.show()
    first = path.stat().st_mtime_ns
    life.show()
    assert path.stat().st_mtime_ns == first
    now = 1.0
    life.show()

    assert path.stat().st_mtime_ns > first


def test_a_place_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    SignOfLife(tmp_path / "gone" / "alive").show()
