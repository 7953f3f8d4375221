"""The flags before the command: what is shown to services, and what is wanted of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])

FLAGS = (
    ("--ca", "PEM file of the authorities of the services' certificates; means --tls."),
    ("--cert", "PEM file of the certificate to show them."),
    ("--key", "PEM file of its private key."),
    ("--token-file", "File with the token to show them; VERTEBRA_TOKEN is the token itself."),
)


def credential_flags(function: Function) -> Function:
    """Add `--tls`, `--ca`, `--cert`, `--key`, `--token-file` and `--server-name`."""
    named: Function = click.option(
        "--server-name",
        metavar="NAME",
        default="",
        envvar="VERTEBRA_SERVER_NAME",
        help="The name in their certificates, where it is not the address.",
    )(function)
    for flag, told in reversed(FLAGS):
        named = click.option(
            flag,
            type=click.Path(path_type=Path),
            envvar=f"VERTEBRA_{flag.strip('-').replace('-', '_').upper()}",
            help=told,
        )(named)
    return click.option(
        "--tls",
        is_flag=True,
        envvar="VERTEBRA_TLS",
        help="Encrypt; believe certificates that this machine's authorities vouch for.",
    )(named)
