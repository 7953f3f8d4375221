"""The parent side: asks a child process about a file, or to copy its tensors.

The child gets an empty environment, no site packages and no descriptors but its pipes and the
files, and confines itself before it looks at the first byte (`confinement.py`). This process
parses nothing of the file.
"""

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog_service.blobs.disk import DiskFull
from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.reader.unreadable import FileUnreadable

TIMEOUT_S = 120.0
"""Wall time for names and shapes; copying gets a second per 5 MB on top."""

POLL_S = 0.25
"""How often it is looked at how far the child is."""

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
    answer = _ask({"do": "list"}, [_Input(path=path)], timeout_s=TIMEOUT_S)
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
        cuts: name in the file -> names to write of its equal parts along the first dimension.
    """

    path: Path
    names: Mapping[str, str]
    cuts: Mapping[str, Sequence[str]] = field(default_factory=dict)


def write_tensors(path: Path, names: Mapping[str, str], output: Path) -> tuple[str, ...]:
    """Copy tensors of one file into a new safetensors file: `merge_tensors` of that file."""
    return merge_tensors([FileTensors(path=path, names=names)], output)


def merge_tensors(
    files: Sequence[FileTensors],
    output: Path,
    *,
    zeros: Sequence[TensorSpec] = (),
    written: Callable[[int, int], None] | None = None,
) -> tuple[str, ...]:
    """Copy tensors of several files into one new safetensors file.

    Args:
        files: no two of their tensors get one name.
        zeros: tensors of zeros that are written beside them.
        output: flushed to the disk when this returns; worthless when it raises.
        written: is told now and then how many bytes are written, of about how many.

    Returns:
        the new names of the tensors that have NaN or infinite numbers.

    Raises:
        FileUnreadable: as for `list_tensors`.
        DiskFull: no room for the output.
        OSError: the file cannot be read, or the output not written.
    """
    size_bytes = sum(each.path.stat().st_size for each in files)
    with output.open("wb") as file:
        order = {
            "do": "write",
            "output": file.fileno(),
            "zeros": [[zero.name, zero.dtype, zero.shape] for zero in zeros],
            "max_output_bytes": 8 * size_bytes + 2**30,
        }
        done = _ask(
            order,
            [_Input(path=each.path, order=_taken(each)) for each in files],
            timeout_s=TIMEOUT_S + size_bytes / 5_000_000,
            waiting=_teller(file.fileno(), size_bytes, written),
        )
        if written is not None:
            written(size_bytes, size_bytes)
    return tuple(done["non_finite"])


def _taken(file: FileTensors) -> dict[str, Any]:
    cuts = {name: list(parts) for name, parts in file.cuts.items()}
    return {"names": dict(file.names), "cuts": cuts}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Input:
    """A file for the child, and what it should know of it."""

    path: Path
    order: Mapping[str, Any] = field(default_factory=dict)


def _teller(
    descriptor: int, size_bytes: int, written: Callable[[int, int], None] | None
) -> Callable[[], None]:
    def tell() -> None:
        if written is not None:
            written(min(os.fstat(descriptor).st_size, size_bytes), size_bytes)

    return tell


def _ask(
    order: Mapping[str, Any],
    inputs: Sequence[_Input],
    *,
    timeout_s: float,
    waiting: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Have a child do an order. It gets the files opened: it may open none itself."""
    shown = inputs[0].path.name if len(inputs) == 1 else f"{inputs[0].path.name} and other parts"
    with ExitStack() as stack:
        descriptors = [stack.enter_context(each.path.open("rb")).fileno() for each in inputs]
        files = [
            {**each.order, "descriptor": descriptor}
            for each, descriptor in zip(inputs, descriptors, strict=True)
        ]
        passed = [*descriptors, *([order["output"]] if "output" in order else [])]
        child = stack.enter_context(_started(passed))
        told = json.dumps({**order, "files": files}).encode()
        stdout = _finished(child, told, timeout_s, waiting)
    if stdout is None:
        raise FileUnreadable(f"{shown}: reading it takes over {timeout_s:.0f} s")
    return _answer(stdout, child.returncode, shown)


@contextmanager
def _started(descriptors: Sequence[int]) -> Iterator[subprocess.Popen[bytes]]:
    """Start the child, and see that it has ended when this returns."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        pass_fds=descriptors,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def _finished(
    child: subprocess.Popen[bytes], told: bytes, timeout_s: float, waiting: Callable[[], None]
) -> bytes | None:
    """Return what the child says; None where it takes too long."""
    deadline = time.monotonic() + timeout_s
    _tell_child(child, told)
    while time.monotonic() < deadline:
        try:
            return child.communicate(timeout=POLL_S)[0]
        except subprocess.TimeoutExpired:
            waiting()
    return None


def _tell_child(child: subprocess.Popen[bytes], told: bytes) -> None:
    """Write all at once: the child reads it before it says a word.

    `communicate` before Python 3.12 forgets what it has not yet sent when it is called again.
    """
    assert child.stdin is not None
    with suppress(BrokenPipeError), child.stdin as pipe:  # a child that died has no answer
        pipe.write(told)
    child.stdin = None


def _answer(stdout: bytes, exit_status: int, shown: str) -> dict[str, Any]:
    try:
        answer = json.loads(stdout[:MAX_ANSWER_BYTES])
    except ValueError as error:
        raise FileUnreadable(
            f"{shown}: its reader was stopped by a limit (exit status {exit_status})"
        ) from error
    if answer.get("errno") in (str(errno.ENOSPC), str(errno.EDQUOT), str(errno.EFBIG)):
        raise DiskFull(f"no room to convert {shown}: {answer['failed']}")
    if "failed" in answer:
        raise OSError(int(answer["errno"] or 0), f"{answer['failed']}: {shown}")
    if "refused" in answer:
        raise FileUnreadable(f"{shown}: {answer['refused']}")
    done: dict[str, Any] = answer["done"]
    return done
