"""Commands and options that the pages mention in running text exist; blocks are run elsewhere."""

import re
from collections.abc import Iterator

import click
import pytest

from tests import pages
from vertebra.cli.main import cli
from vertebra.cli.train_options import train_options

OF_OTHERS = {"--build-arg", "--cascade", "--origin", "--help"}
"""Docker's, kubectl's, the gateway's, and what every command has."""

MENTIONED = sorted({code for page in pages.PAGES for code in pages.inline_codes(page)})


def commands(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """Yield every command below a group, by its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {rest}", each) for rest, each in commands(command))


COMMANDS = {**dict(commands(cli)), "train options": train_options}
GROUPS = [name for name, one in COMMANDS.items() if isinstance(one, click.Group)]
FLAGS = {
    flag
    for command in (cli, *COMMANDS.values())
    for option in command.params
    for flag in (*option.opts, *option.secondary_opts)
}


@pytest.mark.parametrize("code", [one for one in MENTIONED if "--" in one])
def test_options_exist(code: str) -> None:
    flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", code))

    assert flags <= FLAGS | OF_OTHERS


@pytest.mark.parametrize("code", [one for one in MENTIONED if one.startswith("vertebra ")])
def test_commands_exist(code: str) -> None:
    words = code.split()[1:]

    assert any(" ".join(words[:number]) in COMMANDS for number in (1, 2)), code


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_mentioned_below_a_group_exists(group: str) -> None:
    """`jobs snapshots`, with or without `vertebra` before it."""
    told = [re.sub("^vertebra ", "", code).split() for code in MENTIONED]
    below = {words[1] for words in told if words[0] == group and len(words) > 1}

    assert {f"{group} {word}" for word in below if re.fullmatch("[a-z]+", word)} <= COMMANDS.keys()
