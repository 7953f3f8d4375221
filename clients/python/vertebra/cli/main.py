"""The entry point: which commands there are, and how every failure ends in one sentence."""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from vertebra.cli import exit_codes
from vertebra.cli.credential_flags import credential_flags
from vertebra.credentials import Credentials
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
}
"""Where each command is, and its line in `vertebra --help`: nothing is imported to show it."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table: a newcomer's path."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

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


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vertebra", prog_name="vertebra", message="%(prog)s %(version)s")
@credential_flags
@click.pass_context
def cli(context: click.Context, /, **given: Any) -> None:
    """Pretrained vision backbones, fine-tuned and handed back.

    \b
    A first look:
      vertebra up                       both services; leave it running
      vertebra models ls 'resnet*'      what there is
      vertebra train --backbone resnet18 --digits --freeze frozen_backbone --epochs 3
    """
    token = "" if given["token_file"] else os.environ.get("VERTEBRA_TOKEN", "")
    context.obj = Credentials(token=token, **given)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with a code of `exit_codes`."""
    keep_freed_megabytes()
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
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
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
