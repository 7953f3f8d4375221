"""Flags count before and after a command's name, and say where they mean nothing."""

import json
from pathlib import Path

import click
import pytest

from tests.clients.python.conftest import Serve, Shell
from tests.fakes.fake_catalog import FakeCatalog
from vertebra.cli import main as cli_main
from vertebra.cli.clients import given_credentials


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the path of every command that is no group."""
    inner = getattr(command, "commands", {})
    return [leaf for name in inner for leaf in leaves(inner[name], (*path, name))] or [path]


def commands() -> list[tuple[str, ...]]:
    """Return the path of every command of the program."""
    context = click.Context(cli_main.cli)
    found = [(name, cli_main.cli.get_command(context, name)) for name in cli_main.COMMANDS]
    return [leaf for name, command in found if command for leaf in leaves(command, (name,))]


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "models", "ls"),
        ("models", "--json", "ls"),
        ("models", "ls", "--json"),
    ],
    ids=" ".join,
)
def test_json_may_be_asked_for_anywhere(
    shell: Shell, with_catalog: FakeCatalog, words: tuple[str, ...]
) -> None:
    code, out, _ = shell(*words)

    assert code == 0
    assert json.loads(out)["architectures"]


@pytest.mark.parametrize(
    "words",
    [("--catalog", "ADDRESS", "models", "ls"), ("models", "ls", "--catalog", "ADDRESS")],
    ids=" ".join,
)
def test_an_address_may_be_said_anywhere_and_counts_more_than_the_environment(
    shell: Shell, serve: Serve, catalog: FakeCatalog, words: tuple[str, ...]
) -> None:
    address = serve(catalog)

    code, _, err = shell(*(word.replace("ADDRESS", address) for word in words))

    assert (code, err) == (0, "")


def test_the_address_nearest_to_the_command_counts(
    shell: Shell, serve: Serve, catalog: FakeCatalog
) -> None:
    assert shell("--catalog", "localhost:1", "models", "ls", "--catalog", serve(catalog))[0] == 0


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_no_command_calls_json_unknown(shell: Shell, path: tuple[str, ...]) -> None:
    """It prints JSON, or says that it does not. Another flag ends it before it does anything."""
    for words in (("--json", *path), (*path, "--json")):
        code, _, err = shell(*words, "--no-such-flag")

        assert code == 2
        assert "No such option" not in err or "--no-such-flag" in err


@pytest.mark.parametrize("words", [("--json", "token", "ci"), ("token", "ci", "--json")])
def test_a_flag_that_means_nothing_is_refused(shell: Shell, words: tuple[str, ...]) -> None:
    code, _, err = shell(*words, "--out", "/nowhere/token")

    assert code == 2
    assert "'vertebra token' takes no --json" in err


def test_a_service_that_a_command_does_not_call_is_refused(shell: Shell) -> None:
    code, _, err = shell("--catalog", "localhost:2", "doctor")

    assert code == 2
    assert "'vertebra doctor' takes no --catalog" in err


@pytest.mark.parametrize("position", [0, 1, 2])
def test_credentials_may_be_said_anywhere(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, position: int
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(
        "vertebra.cli.models_list.catalog_client",
        lambda address: seen.append(given_credentials()) or _stop(),
    )
    flags = ["--ca", "ca.pem", "--token-file", "token"]
    words = ["models", "ls"]

    shell(*words[:position], *flags, *words[position:])

    (credentials,) = seen
    assert getattr(credentials, "ca", None) == Path("ca.pem")
    assert getattr(credentials, "token_file", None) == Path("token")


def _stop() -> None:
    raise click.Abort


def test_halves_of_a_pair_may_stand_on_both_sides(shell: Shell) -> None:
    code, _, err = shell("--cert", "a.pem", "models", "ls", "--key", "a.key")

    assert code == 2
    assert "a.pem" in err and "without its key" not in err
