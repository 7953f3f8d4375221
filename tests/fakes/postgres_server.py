"""A PostgreSQL server of a test's own: a fresh cluster in a folder, on a socket in that folder."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER_PROGRAMS = Path("/usr/lib/postgresql")
"""Where Debian keeps what is not on the PATH: one folder a version."""

RUN_AS = "nobody"
"""PostgreSQL refuses to run as root."""


def server_folder() -> Path | None:
    """Return the folder with `initdb` and `pg_ctl`, of the newest version installed."""
    found = sorted(SERVER_PROGRAMS.glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("pg_ctl")
    if found:
        return found[-1].parent
    return Path(on_path).parent if on_path else None


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """Yield the SQLAlchemy URL of an empty database; the server ends with the block.

    Args:
        folder: short (its path is part of a socket's name), and emptied by the caller.
    """
    programs = server_folder()
    assert programs is not None, "PostgreSQL's server programs are not installed"
    data = folder / "data"
    data.mkdir()
    if os.getuid() == 0:
        shutil.chown(folder, RUN_AS)
        shutil.chown(data, RUN_AS)
    _run(
        programs / "initdb", "-D", data, "-U", "vertebra", "-A", "trust", "--no-sync", folder=folder
    )
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    control = (programs / "pg_ctl", "-D", data)
    _run(*control, "-w", "-l", folder / "log.txt", "-o", options, "start", folder=folder)
    try:
        yield f"postgresql+psycopg://vertebra@/postgres?host={folder}"
    finally:
        _run(*control, "-w", "-m", "immediate", "stop", folder=folder)


def restart_postgres(folder: Path) -> None:
    """Have the server of a folder crash, and start it again: connections break, nothing is lost."""
    programs = server_folder()
    assert programs is not None
    _run(
        programs / "pg_ctl",
        "-D",
        folder / "data",
        "-w",
        "-m",
        "immediate",
        "restart",
        folder=folder,
    )


def _run(*command: object, folder: Path) -> None:
    """Run a server program as somebody who is not root."""
    words = [str(word) for word in command]
    if os.getuid() == 0:
        words = ["runuser", "-u", RUN_AS, "--", *words]
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=120)
