"""Floating-point numbers in another dtype, without torch but bit for bit as torch does it.

Finite numbers and infinities are rounded to nearest even. A NaN stays a NaN: quiet, with what of
its payload fits; in BF16 it becomes the one NaN that torch's kernel for x86 makes of it.

Source: aten/src/ATen/cpu/vec/vec512/vec512_bfloat16.h (`cvtfp32_bf16`) and
c10/util/BFloat16.h (`round_to_nearest_even`) in PyTorch 2.15; IEEE 754-2019, 6.2.3.
"""

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from catalog_service.blobs.safetensors_file import DTYPE_BITS

Numbers = NDArray[Any]
Mask = NDArray[np.bool_]

CASTABLE = ("F64", "F32", "F16", "BF16")
"""What is cast; integers, booleans and complex numbers stay as they are."""

NOT_CASTABLE = frozenset(
    dtype for dtype in DTYPE_BITS if dtype.startswith("F") and dtype not in CASTABLE
)
"""Floating-point numbers of 8 bits and fewer: without their scales they mean nothing."""

TARGETS = ("F32", "F16", "BF16")

_NUMPY = {
    "F64": np.dtype(np.float64),
    "F32": np.dtype(np.float32),
    "F16": np.dtype(np.float16),
    "BF16": np.dtype(ml_dtypes.bfloat16),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """From one dtype to another, in safetensors' spelling (`F32`)."""

    source: str
    target: str

    @property
    def source_bytes(self) -> int:
        """Size of a number before."""
        return DTYPE_BITS[self.source] // 8

    @property
    def target_bytes(self) -> int:
        """Size of a number after."""
        return DTYPE_BITS[self.target] // 8

    def convert(self, data: bytes) -> bytes:
        """Return the numbers in `data`, little-endian, in the other dtype."""
        numbers = np.frombuffer(data, dtype=_NUMPY[self.source].newbyteorder("<"))
        with np.errstate(all="ignore"):  # overflow to infinity is what rounding asks for
            # F64 goes through F32, as in torch: one more rounding.
            single = numbers.astype(np.float32)
            cast = single.astype(_NUMPY[self.target])
        is_nan = np.isnan(single)
        if is_nan.any():
            self._mend(cast, single.view(np.uint32), is_nan)
        return cast.astype(cast.dtype.newbyteorder("<"), copy=False).tobytes()

    def _mend(self, cast: Numbers, single: Numbers, is_nan: Mask) -> None:
        """Give NaNs the bits that torch gives them.

        Args:
            single: the bits as F32.
        """
        if self.target == "BF16":
            cast.view(np.uint16)[is_nan] = 0x7FC0 if self.source == "F16" else 0xFFFF
        elif self.target == "F16":
            payload = single >> 13 & 0x03FF | single >> 16 & 0x8000
            cast.view(np.uint16)[is_nan] = (payload | 0x7E00)[is_nan]
        elif self.source != "BF16":  # which only gets zeros behind it
            cast.view(np.uint32)[is_nan] |= 0x0040_0000


def cast_between(source: str, target: str) -> Cast | None:
    """Return the cast of a tensor of dtype `source` that is wanted in `target`; None for none.

    Args:
        target: of TARGETS; empty where nothing is cast.
    """
    if not target or source == target or source not in CASTABLE:
        return None
    return Cast(source=source, target=target)
