"""The entry point: which commands there are, and how every failure ends in one sentence."""

import importlib
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from vertebra.cli import exit_codes
from vertebra.cli.command_group import CommandGroup, meant
from vertebra.cli.encoding import spell_what_cannot_be_encoded
from vertebra.cli.global_flags import counting_everywhere, global_options
from vertebra.malloc import keep_freed_megabytes
from vertebra.tracing import start_tracing

COMMANDS = {
    "demo": ("vertebra.cli.demo:demo", "Pretrain, hand the backbone back, fine-tune it."),
    "up": ("vertebra.cli.up:up", "Start both services on this machine."),
    "models": ("vertebra.cli.models:models", "List, describe and build models."),
    "weights": ("vertebra.cli.weights:weights", "List, find and fetch published weights."),
    "checkpoints": ("vertebra.cli.checkpoints:checkpoints", "List and register backbones."),
    "cache": ("vertebra.cli.cache:cache", "List, verify, prune and pin what is stored."),
    "mirror": ("vertebra.cli.mirror:mirror", "Carry weights to a site without a network."),
    "train": ("vertebra.cli.train:train", "Train a model and watch it."),
    "jobs": ("vertebra.cli.jobs:jobs", "List, watch, pause, resume and cancel training jobs."),
    "token": ("vertebra.cli.token:token", "Make a token for a caller of guarded services."),
    "capacity": ("vertebra.cli.capacity:capacity", "Say what there is to train on."),
    "doctor": ("vertebra.cli.doctor:doctor", "Measure the way to a service; say what to set."),
    "completion": ("vertebra.cli.completion:completion", "Have the Tab key know all of this."),
}
"""Where each command is, and its line in `vertebra --help`: nothing is imported to show it."""


class ReaderLeft(Exception):
    """Nobody reads what is printed any more: `head` has seen enough. No failure of ours."""


@contextmanager
def _noticing_who_left() -> Iterator[None]:
    """Name it before click sees it, which would end the program with 1."""
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderLeft from error


class LazyGroup(CommandGroup):
    """A group whose commands are imported when they are called."""

    def make_context(self, *arguments: Any, **named: Any) -> click.Context:
        """Read the command line; help is printed here."""
        with _noticing_who_left():
            return super().make_context(*arguments, **named)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _noticing_who_left():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table: a newcomer's path."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return counting_everywhere(command)

    def nearest(self, name: str, names: Sequence[str]) -> list[str]:
        """Look inside groups, too: `watch` is `jobs watch`."""
        context = click.Context(self)
        groups = {each: self.get_command(context, each) for each in names}
        inside = [
            f"{each} {meant(name, list(group.commands))}"
            for each, group in groups.items()
            if isinstance(group, click.Group) and meant(name, list(group.commands))
        ]
        return [*inside, *super().nearest(name, names)][:3]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes and the environment."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), text) for code, text in exit_codes.TABLE])
        with formatter.section("Environment"):
            formatter.write_dl(
                [
                    ("VERTEBRA_CATALOG_ADDRESS", "the catalog's host:port; localhost:50551"),
                    ("VERTEBRA_TRAINER_ADDRESS", "the trainer's host:port; localhost:50552"),
                    ("VERTEBRA_TOKEN", "the token to show them"),
                    ("VERTEBRA_TLS, _CA, ...", "as the options above: VERTEBRA_TOKEN_FILE"),
                    ("NO_COLOR", "any value switches colours off"),
                ]
            )


@click.group(
    cls=LazyGroup,
    params=global_options(),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="vertebra", prog_name="vertebra", message="%(prog)s %(version)s")
def cli() -> None:
    """Pretrained vision backbones, fine-tuned and handed back.

    \b
    A first look:
      vertebra up                       both services; leave it running
      vertebra models ls 'resnet*'      what there is
      vertebra train --backbone resnet18 --digits --freeze frozen_backbone --epochs 3
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with a code of `exit_codes`."""
    keep_freed_megabytes()
    spell_what_cannot_be_encoded()
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # else a restart of a server is in the page
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code of one command; every failure is one sentence on stderr. Where traces
    are asked for, all calls of a command are one.
    """
    tracing = start_tracing("vertebra-cli", os.environ)
    if tracing is None:
        return _run(arguments)
    try:
        with tracing.span(f"vertebra {_named(arguments or sys.argv[1:])}"):
            return _run(arguments)
    finally:
        tracing.stop()


def _named(arguments: Sequence[str]) -> str:
    """Return the command of a command line: a name of ours, never a value of the caller's."""
    return next((each for each in arguments if each in COMMANDS), "help")


def _run(arguments: Sequence[str] | None) -> int:
    try:
        outcome = cli.main(arguments, prog_name="vertebra", standalone_mode=False)
    except click.ClickException as error:
        exit_codes.show(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return exit_codes.INTERRUPTED
    except ReaderLeft:
        _forget_stdout()
        return exit_codes.OK
    except Exception as error:
        return _end(error)
    return outcome if isinstance(outcome, int) else exit_codes.OK


def _end(error: Exception) -> int:
    failure = exit_codes.described(error)
    if failure is not None:
        exit_codes.show(failure)
        return failure.exit_code
    if os.environ.get("VERTEBRA_TRACEBACK"):
        traceback.print_exc()
    kind = type(error).__name__
    exit_codes.show(
        click.ClickException(
            f"this is a bug: {kind}: {error}; VERTEBRA_TRACEBACK=1 shows where it happened"
        )
    )
    return exit_codes.BUG


def _forget_stdout() -> None:
    """Keep the interpreter from complaining about a reader such as `head` that went away."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
