"""`vertebra train options`."""

import json
from pathlib import Path

import pytest

from tests.clients.python.conftest import Shell
from tests.fakes.fake_trainer import FakeTrainer


def test_options_are_told_as_the_trainer_tells_them(
    shell: Shell, with_trainer: FakeTrainer
) -> None:
    code, told, _ = shell("train", "options")

    assert code == 0
    assert told.splitlines() == [
        "Model  What.",
        "",
        "Freeze backbone  --freeze  off",
        "    Whether it moves.",
        "    On   It stays.",
        "         when: Little data.",
        "    Off  It moves.",
        "",
        "next: vertebra train options --all",
    ]


def test_all_options_are_told_where_that_is_asked_for(
    shell: Shell, with_trainer: FakeTrainer
) -> None:
    _, told, _ = shell("train", "options", "--all")

    assert "Seed  --seed  0" in told.splitlines()


def test_options_say_what_has_to_be_chosen_for_them_and_list_choices_without_words(
    shell: Shell, with_trainer: FakeTrainer
) -> None:
    _, told, _ = shell("train", "options", "--all")

    lines = told.splitlines()
    first = lines.index("Batch norm  --norm")
    assert lines[first + 1 : first + 4] == [
        "    only with Freeze backbone: On",
        "    What its statistics do.",
        "    Stay, Move",
    ]


def test_options_for_programs_are_the_contracts(shell: Shell, with_trainer: FakeTrainer) -> None:
    _, told, _ = shell("train", "options", "--json")

    field = json.loads(told)["sections"][0]["fields"][0]
    assert (field["path"], field["default_value"]) == ("model.freezeBackbone", False)


def test_a_file_called_options_is_still_an_experiment(
    shell: Shell,
    with_trainer: FakeTrainer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("options").write_text("{}")

    code, _, told = shell("train", "./options")

    assert code != 0
    assert "--backbone" in told
