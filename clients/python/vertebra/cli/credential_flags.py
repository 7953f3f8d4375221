"""The flags that say what is shown to services, and what is wanted of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

FILES = {
    "ca": "PEM file of the authorities of the services' certificates; means --tls.",
    "cert": "PEM file of the certificate to show them.",
    "key": "PEM file of its private key.",
    "token_file": "File with the token to show them; VERTEBRA_TOKEN is the token itself.",
}

NAMES = ("tls", *FILES, "server_name")
"""Fields of `Credentials`, and flags."""


def credential_options(**given: Any) -> Iterator[click.Option]:
    """Yield `--tls`, `--ca`, `--cert`, `--key`, `--token-file` and `--server-name`."""
    yield click.Option(
        ["--tls"],
        is_flag=True,
        help="Encrypt; believe certificates that this machine's authorities vouch for.",
        **given,
    )
    for name, told in FILES.items():
        flag = f"--{name.replace('_', '-')}"
        yield click.Option([flag], type=click.Path(path_type=Path), help=told, **given)
    yield click.Option(
        ["--server-name"],
        metavar="NAME",
        default="",
        help="The name in their certificates, where it is not the address.",
        **given,
    )
