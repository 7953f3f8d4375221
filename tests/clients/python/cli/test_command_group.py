"""A wrong name is answered with the right one; other words for a name count."""

import pytest

from tests.clients.python.conftest import Shell
from tests.fakes.fake_catalog import FakeCatalog
from tests.fakes.fake_trainer import FakeTrainer
from vertebra.cli.command_group import meant


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("modles",), "Did you mean 'models'?"),
        (("watch",), "Did you mean 'jobs watch'"),
        (("jobs", "wtch"), "Did you mean 'watch'?"),
        (("zzzz",), "No such command 'zzzz'.\n"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(
    shell: Shell, words: tuple[str, ...], told: str
) -> None:
    code, out, err = shell(*words)

    assert (code, out) == (2, "")
    assert told in err


def test_list_is_ls(shell: Shell, with_catalog: FakeCatalog) -> None:
    assert shell("models", "list") == shell("models", "ls")


def test_rm_is_delete_where_jobs_are(shell: Shell, with_trainer: FakeTrainer) -> None:
    with_trainer.keep("abcd1234")

    assert shell("jobs", "rm", "--help") == shell("jobs", "delete", "--help")


def test_a_name_of_the_group_is_never_taken_for_another_word() -> None:
    assert meant("describe", ["show", "describe"]) == "describe"
    assert meant("describe", ["show"]) == "show"
    assert meant("describe", ["build"]) is None
