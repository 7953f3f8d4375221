"""Clients that show what the command line was given: `vertebra --ca FILE --token-file FILE ...`."""

import os

import click

from vertebra.catalog_client import CatalogClient
from vertebra.cli.credential_flags import NAMES
from vertebra.cli.global_flags import said
from vertebra.credentials import PLAIN, Credentials
from vertebra.trainer_client import TrainerClient


def catalog_client(address: str) -> CatalogClient:
    """Return a client of the catalog."""
    return CatalogClient(address, credentials=given_credentials())


def trainer_client(address: str, *, timeout_s: float = 60.0) -> TrainerClient:
    """Return a client of the trainer."""
    return TrainerClient(address, timeout_s=timeout_s, credentials=given_credentials())


def given_credentials() -> Credentials:
    """Return what the command line that is running was given.

    Raises:
        CredentialsUnusable: the flags contradict each other.
    """
    context = click.get_current_context(silent=True)
    if context is None:
        return PLAIN
    flags = {name: value for name, value in said(context).items() if name in NAMES}
    token = "" if flags.get("token_file") else os.environ.get("VERTEBRA_TOKEN", "")
    return Credentials(token=token, **flags)
