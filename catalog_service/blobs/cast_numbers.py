"""Floating-point numbers in another dtype, without torch but bit for bit as torch does it.

Finite numbers and infinities are rounded to nearest even. A NaN stays a NaN: quiet, with what of
its payload fits; in BF16 it becomes the one NaN that torch's kernel for x86 makes of it.

Source: aten/src/ATen/cpu/vec/vec512/vec512_bfloat16.h (`cvtfp32_bf16`) and
c10/util/BFloat16.h (`round_to_nearest_even`) in PyTorch 2.15; IEEE 754-2019, 6.2.3.
"""

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
Mask = NDArray[np.bool_]

DTYPES = {
    "F64": np.dtype(np.float64),
    "F32": np.dtype(np.float32),
    "F16": np.dtype(np.float16),
    "BF16": np.dtype(ml_dtypes.bfloat16),
}
"""By safetensors' spelling."""


def cast_numbers(data: bytes, source: str, target: str) -> bytes:
    """Return the numbers in `data`, little-endian, in another dtype.

    Args:
        source, target: of DTYPES.
    """
    numbers = np.frombuffer(data, dtype=DTYPES[source].newbyteorder("<"))
    with np.errstate(all="ignore"):  # overflow to infinity is what rounding asks for
        single = numbers.astype(np.float32)  # F64 too goes through F32, as in torch
        cast = single.astype(DTYPES[target])
    is_nan = np.isnan(single)
    if is_nan.any():
        _MEND_NANS[target](cast, single.view(np.uint32), is_nan, source)
    return cast.astype(cast.dtype.newbyteorder("<"), copy=False).tobytes()


def _mend_f32(cast: Numbers, single: Numbers, is_nan: Mask, source: str) -> None:
    if source != "BF16":  # which only gets zeros behind it
        cast.view(np.uint32)[is_nan] |= 0x0040_0000


def _mend_f16(cast: Numbers, single: Numbers, is_nan: Mask, source: str) -> None:
    payload = single >> 13 & 0x03FF | single >> 16 & 0x8000
    cast.view(np.uint16)[is_nan] = (payload | 0x7E00)[is_nan]


def _mend_bf16(cast: Numbers, single: Numbers, is_nan: Mask, source: str) -> None:
    cast.view(np.uint16)[is_nan] = 0x7FC0 if source == "F16" else 0xFFFF


_MEND_NANS = {"F32": _mend_f32, "F16": _mend_f16, "BF16": _mend_bf16}
"""Gives NaNs the bits that torch gives them; `single` is what is cast, as the bits of F32."""
