"""CI runs a failed test again, alone: few of them, and only where nothing else was wrong."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

AGAIN = Path(__file__).parents[2] / ".ci" / "again.py"

TESTS = """
def test_passes(): pass
def test_fails(): assert False
"""
PASSES, FAILS = "test_few.py::test_passes", "test_few.py::test_fails"


def run_again(
    folder: Path, failed: Sequence[str] | None, unlisted: Sequence[str] | None
) -> subprocess.CompletedProcess[str]:
    """Run it behind a run of tests that left these node ids; None where that left no file."""
    (folder / "test_few.py").write_text(TESTS)
    cache = folder / ".pytest_cache" / "v"
    known = None if failed is None else dict.fromkeys(failed, True)
    for name, left in (("cache/lastfailed", known), ("vertebra/unlisted_skips", unlisted)):
        if left is not None:
            (cache / name).parent.mkdir(parents=True)
            (cache / name).write_text(json.dumps(left))
    return subprocess.run(
        [sys.executable, AGAIN], cwd=folder, capture_output=True, text=True, timeout=240
    )


def test_what_passes_alone_is_named_as_unsteady(tmp_path: Path) -> None:
    done = run_again(tmp_path, [PASSES], [])

    assert done.returncode == 0
    assert f"UNSTEADY (failed beside others, passed alone): {PASSES}" in done.stdout


def test_what_fails_again_has_failed(tmp_path: Path) -> None:
    done = run_again(tmp_path, [PASSES, FAILS], [])

    assert done.returncode != 0
    assert "1 failed, 1 passed" in done.stdout
    assert "UNSTEADY" not in done.stdout


@pytest.mark.parametrize(
    ("failed", "unlisted"),
    [
        ([PASSES, FAILS, "test_few.py"], []),
        ([], []),
        ([PASSES], ["test_few.py::test_skipped"]),
        ([PASSES], None),
        (None, []),
    ],
    ids=["many", "none", "a skip without a reason", "cut short", "no list"],
)
def test_what_is_no_bad_luck_is_not_run_again(
    failed: Sequence[str] | None, unlisted: Sequence[str] | None, tmp_path: Path
) -> None:
    done = run_again(tmp_path, failed, unlisted)

    assert (done.returncode, done.stdout) == (1, "")
