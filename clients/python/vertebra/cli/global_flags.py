"""Flags that count before and after a command's name: `vertebra --json models ls`.

A command that has such a flag takes what was said before its name, unless it is said again. Where
it has none, it gets a hidden one: for credentials, which any command that calls a service shows, or
to say that the flag means nothing there.
"""

from collections.abc import Iterator
from typing import Any

import click
from click.core import ParameterSource

from vertebra.cli.credential_flags import credential_options

SAID = "vertebra.cli.said"
"""Where a command line keeps what was said so far: flag -> value."""

SHARED = ("as_json", "catalog_address", "trainer_address")
"""Flags that many commands have themselves."""

ADDRESSES = {"catalog_address", "trainer_address", "address"}
"""A command that has one of these calls a service."""

TOLD = "Also --tls, --ca, --cert, --key, --token-file and --server-name: see vertebra --help."


def said(context: click.Context) -> dict[str, Any]:
    """Return the global flags of this command line, and what the environment says instead."""
    flags: dict[str, Any] = context.meta.setdefault(SAID, {})
    return flags


def noted(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Return what a flag is: said here, or before the command's name, or its usual value."""
    name, flags = parameter.name or "", said(context)
    source = context.get_parameter_source(name)
    if source is ParameterSource.COMMANDLINE:
        flags[name] = value
    elif source is ParameterSource.ENVIRONMENT:
        flags.setdefault(name, value)
    return flags.get(name, value)


def global_options() -> list[click.Option]:
    """Return the flags of the program itself."""
    given = {"callback": noted, "expose_value": False}
    credentials = list(credential_options(**given))
    for option in credentials:
        option.envvar = f"VERTEBRA_{str(option.name).upper()}"
    return [*_shared_options(**given), *credentials]


def counting_everywhere(command: click.Command) -> click.Command:
    """Return a command, after giving the global flags to it and to all below it."""
    for inner in getattr(command, "commands", {}).values():
        counting_everywhere(inner)
    names = {str(parameter.name) for parameter in command.params}
    for parameter in command.params:
        parameter.callback = parameter.callback or (noted if parameter.name in SHARED else None)
    command.params += [flag for flag in _lacking(command, names) if flag.name not in names]
    if ADDRESSES & names and command.epilog is None:
        command.epilog = TOLD
    return command


def _shared_options(**given: Any) -> Iterator[click.Option]:
    json_help = "Print JSON with the contract's field names."
    yield click.Option(["--json", "as_json"], is_flag=True, help=json_help, **given)
    for service, port in (("catalog", 50551), ("trainer", 50552)):
        yield click.Option(
            [f"--{service}", f"{service}_address"],
            metavar="HOST:PORT",
            help=f"Where the {service} listens; localhost:{port}.",
            **given,
        )


def _lacking(command: click.Command, names: set[str]) -> Iterator[click.Option]:
    """Yield flags that a command may be given before or behind its name, as hidden ones."""
    is_group = isinstance(command, click.Group) and not command.invoke_without_command
    hidden = {"hidden": True, "expose_value": False}
    for flag in _shared_options(callback=noted if is_group else _refused, **hidden):
        if is_group or flag.name == "as_json" or names.isdisjoint(SHARED[1:]):
            yield flag
    if is_group or ADDRESSES & names:
        yield from credential_options(callback=noted, **hidden)


def _refused(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    if noted(context, parameter, value):
        flag = parameter.opts[0]
        raise click.UsageError(f"'{context.command_path}' takes no {flag}", context)
    return value
