"""The parent side: asks a child process about a file, or to copy its tensors.

The child gets an empty environment, no site packages and no descriptors but its pipes, and limits
itself before it looks at the first byte (`child.py`). This process parses nothing of the file.
"""

import errno
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog_service.blobs.disk import DiskFull
from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.reader.unreadable import FileUnreadable

TIMEOUT_S = 120.0
"""Wall time for names and shapes; copying gets a second per 5 MB on top."""

MAX_ANSWER_BYTES = 64 * 2**20

_PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])
_PROGRAM = (
    f"import sys; sys.path.insert(0, {_PACKAGE_ROOT!r}); "
    "from catalog_service.reader.child import main; main()"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorListing:
    """What a file holds, without the numbers.

    Attributes:
        format: `zip`, `legacy` or `safetensors`.
        taken_from: the keys that led to the state, such as `state_dict`.
        versions: module path -> version, from torch's `_metadata`.
        ignored: objects beside the tensors, as `name (kind)`.
    """

    format: str
    taken_from: str
    versions: Mapping[str, int]
    ignored: tuple[str, ...]
    tensors: tuple[TensorSpec, ...]


def list_tensors(path: Path) -> TensorListing:
    """Return names, dtypes and shapes of the state in a file.

    Raises:
        FileUnreadable: not a tensor file, malformed, beyond the limits, or it would execute.
        OSError: the file cannot be read.
    """
    answer = _ask({"do": "list", "path": str(path)}, path, TIMEOUT_S)
    return TensorListing(
        format=answer["format"],
        taken_from=answer["taken_from"],
        versions=answer["versions"],
        ignored=tuple(answer["ignored"]),
        tensors=tuple(
            TensorSpec(name=name, dtype=dtype, shape=tuple(shape))
            for name, dtype, shape in answer["tensors"]
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTensors:
    """Tensors to take from a file.

    Attributes:
        names: name in the file -> name to write; the others are left out.
    """

    path: Path
    names: Mapping[str, str]


def write_tensors(path: Path, names: Mapping[str, str], output: Path) -> tuple[str, ...]:
    """Copy tensors of one file into a new safetensors file: `merge_tensors` of that file."""
    return merge_tensors([FileTensors(path=path, names=names)], output)


def merge_tensors(
    files: Sequence[FileTensors], output: Path, *, written: Callable[[int, int], None] | None = None
) -> tuple[str, ...]:
    """Copy tensors of several files into one new safetensors file.

    Args:
        files: no two of their tensors get one name.
        output: flushed to the disk when this returns; worthless when it raises.
        written: is told now and then how many bytes are written, of how many.

    Returns:
        the new names of the tensors that have NaN or infinite numbers.

    Raises:
        FileUnreadable: as for `list_tensors`.
        DiskFull: no room for the output.
        OSError: the file cannot be read, or the output not written.
    """
    [only] = files
    size_bytes = only.path.stat().st_size
    order = {
        "do": "write",
        "path": str(only.path),
        "names": dict(only.names),
        "output": str(output),
        "max_output_bytes": 8 * size_bytes + 2**30,
    }
    _ask(order, only.path, TIMEOUT_S + size_bytes / 5_000_000)
    return ()


def _ask(order: dict[str, Any], path: Path, timeout_s: float) -> dict[str, Any]:
    try:
        child = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            input=json.dumps(order).encode(),
            capture_output=True,
            env={},
            cwd="/",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FileUnreadable(f"{path.name}: reading it takes over {timeout_s:.0f} s") from error
    return _answer(child, path)


def _answer(child: subprocess.CompletedProcess[bytes], path: Path) -> dict[str, Any]:
    try:
        answer = json.loads(child.stdout[:MAX_ANSWER_BYTES])
    except ValueError as error:
        raise FileUnreadable(
            f"{path.name}: its reader was stopped by a limit (exit status {child.returncode})"
        ) from error
    if answer.get("errno") in (str(errno.ENOSPC), str(errno.EDQUOT), str(errno.EFBIG)):
        raise DiskFull(f"no room to convert {path.name}: {answer['failed']}")
    if "failed" in answer:
        raise OSError(int(answer["errno"] or 0), f"{answer['failed']}: {path.name}")
    if "refused" in answer:
        raise FileUnreadable(f"{path.name}: {answer['refused']}")
    done: dict[str, Any] = answer["done"]
    return done
