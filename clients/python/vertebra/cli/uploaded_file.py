"""A file that a command uploads and then asks the catalog about."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from vertebra.client_errors import RpcFailed

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@contextmanager
def called_by_its_name(file: Path | None, blob_name: str) -> Iterator[None]:
    """Have refusals name the file, which a person knows, in place of its digest."""
    try:
        yield
    except RpcFailed as error:
        if file is not None:
            digits = blob_name.rpartition(":")[2]
            error.message = error.message.replace(blob_name, file.name).replace(digits, file.name)
        raise
