"""Clients that show what the command line was given: `vertebra --ca FILE --token-file FILE ...`."""

import click

from vertebra.catalog_client import CatalogClient
from vertebra.credentials import PLAIN, Credentials
from vertebra.trainer_client import TrainerClient


def catalog_client(address: str) -> CatalogClient:
    """Return a client of the catalog."""
    return CatalogClient(address, credentials=given_credentials())


def trainer_client(address: str, *, timeout_s: float = 60.0) -> TrainerClient:
    """Return a client of the trainer."""
    return TrainerClient(address, timeout_s=timeout_s, credentials=given_credentials())


def given_credentials() -> Credentials:
    """Return what the command line that is running was given."""
    context = click.get_current_context(silent=True)
    given = context.find_root().obj if context is not None else None
    return given if isinstance(given, Credentials) else PLAIN
