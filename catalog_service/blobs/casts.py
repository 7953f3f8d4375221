"""Floating-point numbers in another dtype, without torch but bit for bit as torch does it.

Finite numbers and infinities are rounded to nearest even. A NaN stays a NaN: quiet, with what of
its payload fits; in BF16 it becomes the one NaN that torch's kernel for x86 makes of it.

Source: aten/src/ATen/cpu/vec/vec512/vec512_bfloat16.h (`cvtfp32_bf16`) and
c10/util/BFloat16.h (`round_to_nearest_even`) in PyTorch 2.15; IEEE 754-2019, 6.2.3.
"""

from dataclasses import dataclass

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from catalog_service.blobs.safetensors_file import DTYPE_BITS

Bits = NDArray[np.uint16] | NDArray[np.uint32]

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
_QUIET = {"F32": np.uint32(0x0040_0000), "F16": np.uint16(0x0200)}
"""The bit that makes a NaN quiet."""

_BF16_NAN = {"F64": np.uint16(0xFFFF), "F32": np.uint16(0xFFFF), "F16": np.uint16(0x7FC0)}


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
        bits = cast.view(np.uint32 if self.target_bytes == 4 else np.uint16)
        self._mend_nans(bits, np.isnan(single))
        return bits.astype(bits.dtype.newbyteorder("<"), copy=False).tobytes()

    def _mend_nans(self, bits: Bits, is_nan: NDArray[np.bool_]) -> None:
        if not is_nan.any():
            return
        if self.target == "BF16":
            bits[is_nan] = _BF16_NAN[self.source]
        elif (self.source, self.target) != ("BF16", "F32"):  # the same bits and more zeros
            bits[is_nan] |= _QUIET[self.target]


def cast_between(source: str, target: str) -> Cast | None:
    """Return the cast of a tensor of dtype `source` that is wanted in `target`; None for none.

    Args:
        target: of TARGETS; empty where nothing is cast.
    """
    if not target or source == target or source not in CASTABLE:
        return None
    return Cast(source=source, target=target)
