"""Which paths the trainer may read. What counts is where a path ends, after `..` and links."""

from collections.abc import Callable, Sequence
from pathlib import Path

from catalog_service.errors import listed
from trainer_service.errors import DataInvalid, PathOutsideRoots


def allowed_folder(path: str, allowed_roots: Sequence[str]) -> Path:
    """Return the real folder that `path` names.

    Raises:
        PathOutsideRoots: it ends outside of every allowed root; whether it exists is not told.
        DataInvalid: it is relative, or there is no such folder.
    """
    if not Path(path).is_absolute():
        raise DataInvalid(f"{path!r} is not an absolute path; paths are the trainer host's")
    real = real_path(path, allowed_roots)
    if not _is(Path.is_dir, real):
        raise DataInvalid(
            f"the trainer's host has no folder {path!r}; paths are the trainer host's"
        )
    return real


def allowed_file(path: str, allowed_roots: Sequence[str]) -> Path:
    """Return the real file that `path` names; raises as `allowed_folder`."""
    if not Path(path).is_absolute():
        raise DataInvalid(f"{path!r} is not an absolute path; paths are the trainer host's")
    real = real_path(path, allowed_roots)
    if not _is(Path.is_file, real):
        raise DataInvalid(f"the trainer's host has no file {path!r}; paths are the trainer host's")
    return real


def is_allowed_file(path: Path, allowed_roots: Sequence[str]) -> bool:
    """Whether there is a file; raises as `real_path`."""
    return _is(Path.is_file, real_path(path, allowed_roots))


def real_path(path: str | Path, allowed_roots: Sequence[str]) -> Path:
    """Return where `path` really is, or raise PathOutsideRoots; DataInvalid for a path that leads
    nowhere: a loop of links, a name that no file can have.
    """
    try:
        real = Path(path).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise DataInvalid(f"{str(path)!r} cannot be followed: {error}") from error
    if not is_inside(real, allowed_roots):
        raise PathOutsideRoots(
            f"{str(path)!r} is outside of the folders that the trainer may read:"
            f" {listed(list(allowed_roots)) or 'none'}; VERTEBRA_TRAINER_DATA_ROOTS names them"
            " (`vertebra up --data-root`)",
            metadata={"path": str(path)},
        )
    return real


def _is(test: Callable[[Path], bool], real: Path) -> bool:
    try:
        return test(real)
    except OSError:  # a name too long to exist, or a folder above that may not be entered
        return False


def is_inside(real: Path, allowed_roots: Sequence[str]) -> bool:
    """Whether a resolved path is an allowed root or lies below one."""
    folders = (root for root in allowed_roots if "://" not in root)
    return any(real.is_relative_to(Path(root).resolve()) for root in folders)
