"""A watch is recorded on the command line, and checked later."""

from pathlib import Path

import pytest

from tests.clients.python.conftest import Shell
from tests.fakes.fake_trainer import FakeTrainer


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_watch_that_broke_and_kept_every_promise_is_verified(
    shell: Shell, with_trainer: FakeTrainer, tmp_path: Path, as_json: tuple[str, ...]
) -> None:
    with_trainer.keep("abcd1234")
    with_trainer.break_every, with_trainer.break_how = 5, "rotate"
    file = str(tmp_path / "watch.jsonl")

    watched, _, _ = shell("jobs", "watch", "abcd", "--record", file, *as_json)
    code, out, _ = shell("jobs", "verify", file, "abcd")

    assert (watched, code) == (0, 0)
    assert out == "15 events in 3 openings: every promise was kept\n"


def test_broken_promises_are_named_and_have_a_code(
    shell: Shell, with_trainer: FakeTrainer, tmp_path: Path
) -> None:
    """The record is there, though the watch ended with an error."""
    with_trainer.keep("abcd1234")
    with_trainer.lie = "gap"
    file = str(tmp_path / "watch.jsonl")

    watched, _, _ = shell("jobs", "watch", "abcd", "--record", file)
    code, out, _ = shell("jobs", "verify", file)

    assert (watched, code) == (4, 4)
    assert "Reliable: event 3 never came (opening 1)" in out
    assert out.endswith("1 broken promise\n")


def test_a_record_is_compared_with_what_is_stored(
    shell: Shell, with_trainer: FakeTrainer, tmp_path: Path
) -> None:
    with_trainer.keep("abcd1234")
    file = str(tmp_path / "watch.jsonl")
    shell("jobs", "watch", "abcd", "--record", file)
    with_trainer.script[4].message.text = "something else"

    code, out, _ = shell("jobs", "verify", file, "abcd")

    assert code == 4
    assert "Reliable: event 5 is stored as something else" in out


def test_a_file_that_is_no_record_is_said_to_be_none(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "watch.jsonl").write_text("epoch 1/2\n")

    code, _, err = shell("jobs", "verify", str(tmp_path / "watch.jsonl"))

    assert code == 2
    assert "line 1 is not of a recorded watch" in err
