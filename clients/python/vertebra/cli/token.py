"""`vertebra token`: a new token for a caller, and its row for the access file of a service."""

import hashlib
import os
import re
import secrets
from pathlib import Path

import click

from vertebra.cli import exit_codes

TOKEN_BYTES = 32
"""As many random bits as the digest of it has."""

PREFIX = "vt_"
"""So that people, and programs that look for leaked secrets, know one when they see it."""

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")


@click.command()
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(["viewer", "user", "operator"]),
    default=("user",),
    show_default=True,
    help="What the caller may do; may be given again.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The new file for the token, readable by you alone. Never one that is there.",
)
def token(name: str, roles: tuple[str, ...], out: Path) -> None:
    """Make a token for a caller NAME; print its row for the access file.

    The row has the token's sha256, never the token.

    \b
    Example:
      vertebra token ci --role user --out ci.token >> access.toml
    """
    if not _NAME.fullmatch(name):
        raise click.UsageError(f"NAME is letters, digits and . _ @ -, not {name!r}")
    made = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    _write(out, made)
    click.echo("[[caller]]")
    click.echo(f'name = "token:{name}"')
    click.echo(f'token_sha256 = "{hashlib.sha256(made.encode()).hexdigest()}"')
    click.echo(f"roles = [{', '.join(f'{role!r}' for role in roles)}]".replace("'", '"'))


def _write(path: Path, made: str) -> None:
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise exit_codes.CliFailed(
            f"{path} is there already; a token in use is not replaced", exit_codes.USAGE
        ) from error
    with os.fdopen(number, "w", encoding="ascii") as file:
        file.write(f"{made}\n")
