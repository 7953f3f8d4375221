"""safetensors' spelling of dtypes <-> torch's. Imports torch."""

import torch

TORCH_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
"""Source: safetensors, `Dtype` in safetensors/src/tensor.rs."""

SPELLINGS = {dtype: spelling for spelling, dtype in TORCH_DTYPES.items()}


def spelling_of(dtype: torch.dtype) -> str:
    """Return `F32` for `torch.float32`; other dtypes are named as torch names them."""
    return SPELLINGS.get(dtype, str(dtype))
