"""The home folder of one host: who it is, and that only one supervisor works in it."""

import contextlib
import fcntl
import json
import os
import secrets
from io import TextIOWrapper
from pathlib import Path

from trainer_service.errors import HomeInUse
from trainer_service.jobs.json_file import write_json_file

HOST_FILE = "host.json"
LOCK_FILE = "supervisor.lock"


def host_id(home: Path) -> str:
    """Return this host's identity: made once, random, and kept in the home. It owns the leases of
    jobs, so that a host that starts again finds those that it had.

    Raises:
        HomeInUse: the file is there and says nothing, so that nobody knows whose jobs these are.
    """
    path = home / HOST_FILE
    try:
        return _read(path)
    except FileNotFoundError:
        home.mkdir(parents=True, exist_ok=True)
        _write_first(path, secrets.token_hex(8))
        return _read(path)


def lock_home(home: Path) -> TextIOWrapper:
    """Return the open lock file; the lock goes when it is closed, or when the process dies.

    Raises:
        HomeInUse: another supervisor works in this home.
    """
    home.mkdir(parents=True, exist_ok=True)
    file = (home / LOCK_FILE).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise HomeInUse(
            f"another trainer works in {home}; stop it, or give this one its own home folder"
        ) from error
    return file


def _read(path: Path) -> str:
    text = path.read_text("utf-8")
    try:
        return str(json.loads(text)["host_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise HomeInUse(
            f'{path} is damaged: it should be like {{"host_id": "5f2c..."}}; delete it where no job'
            " of this host runs any more, and a new identity is made"
        ) from error


def _write_first(path: Path, made: str) -> None:
    """Write the identity, unless another process of this home was first: then that one holds."""
    staged = path.with_name(f"{path.name}.{made}")
    write_json_file(staged, {"host_id": made})
    with contextlib.suppress(FileExistsError):
        os.link(staged, path)
    staged.unlink()
