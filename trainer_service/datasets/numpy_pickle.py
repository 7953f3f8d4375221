"""Pickles of numbers, read without running anything that they name.

CIFAR is published as pickles, and a pickle may name any function to be called. Here every name is
answered with a piece of data: a file that wants more than lists, text and arrays is refused.

Source: the published CIFAR files; numpy.ndarray.__reduce__ for what an array looks like inside.
"""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer_service.errors import DataInvalid

MAX_PICKLE_BYTES = 2**30

ARRAY_NAMES = frozenset(
    {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    }
)
"""What arrays name; Python 3 adds the last one for bytes in an old pickle."""


class _Bytes:
    """An array of bytes, in place of numpy's own."""

    def __init__(self, *_arguments: object) -> None:
        self.array: npt.NDArray[np.uint8] = np.empty(0, dtype=np.uint8)

    def __setstate__(self, state: Any) -> None:
        """Take what numpy wrote: version, shape, type, order, bytes; a type has no bytes."""
        if not (isinstance(state, tuple) and len(state) == 5 and isinstance(state[1], tuple)):
            return
        _version, shape, kind, is_fortran, data = state
        if isinstance(data, str):
            data = data.encode("latin1")
        if isinstance(kind, _Type) and kind.code != "u1":
            raise pickle.UnpicklingError(f"an array of {kind.code!r}, not of bytes")
        flat = np.frombuffer(data, dtype=np.uint8)
        self.array = flat.reshape(shape[::-1]).T if is_fortran else flat.reshape(shape)


class _Type:
    """A number's type, in place of numpy's own."""

    def __init__(self, code: str = "", *_arguments: object) -> None:
        self.code = code

    def __setstate__(self, state: object) -> None:
        """Byte order and the like: bytes have none."""


def _reconstruct(*arguments: object) -> _Bytes:
    return _Bytes(*arguments)


def _encode(text: str, _encoding: str) -> bytes:
    return text.encode("latin1")


class _DataUnpickler(pickle.Unpickler):
    """Answers numpy's names with data of ours, and refuses all others."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name."""
        if (module, name) not in ARRAY_NAMES:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return {
            "_reconstruct": _reconstruct, "ndarray": _Bytes, "dtype": _Type, "encode": _encode,
        }[name]  # fmt: skip


def read_number_pickle(path: Path) -> dict[str, Any]:
    """Return the dictionary of a pickle of lists, text and arrays of bytes.

    Raises:
        DataInvalid: it holds anything else, or cannot be read.
        FileNotFoundError: there is none.
    """
    try:
        if path.stat().st_size > MAX_PICKLE_BYTES:
            raise DataInvalid(f"{str(path)!r} is larger than {MAX_PICKLE_BYTES:,} bytes")
        found = _DataUnpickler(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DataInvalid(f"cannot read {str(path)!r}: {error.strerror}") from error
    except Exception as error:  # a broken pickle can raise nearly anything
        if isinstance(error, DataInvalid):
            raise
        raise DataInvalid(f"{str(path)!r} is no pickle of numbers: {error}") from error
    if not isinstance(found, dict):
        raise DataInvalid(f"{str(path)!r} holds no dictionary")
    return {
        str(key): value.array if isinstance(value, _Bytes) else value
        for key, value in found.items()
    }
