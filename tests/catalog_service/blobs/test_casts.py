"""A cast without torch gives torch's bits."""

import os

import ml_dtypes
import numpy as np
import pytest
import torch

from catalog_service.blobs.casts import Cast, cast_between

TORCH = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}
PAIRS = [(s, t) for s in TORCH for t in ("F32", "F16", "BF16") if s != t]

EDGES = (
    *(0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan),
    *(65504.0, 65519.996, 65520.0, -65520.0, 3.3895e38, 3.4e38, 3.4028235e38),
    *(2.0**-14, 2.0**-24, 2.0**-25, 2.0**-25 * 1.0001, 2.0**-126, 2.0**-133, 2.0**-134, 2.0**-149),
    *(1 + 2.0**-11, 1 + 3 * 2.0**-11, 1 + 2.0**-8, 1 + 3 * 2.0**-8, 1 + 2.0**-11 + 2.0**-40),
)
NAN_BITS = (0x7F800001, 0x7FC00000, 0xFFC00000, 0x7FFFFFFF, 0xFF812345, 0x7FA00000)


def numbers(dtype: str) -> bytes:
    """Return all numbers of 16 bits, or many of more: edges, NaNs and any bits."""
    if dtype in ("F16", "BF16"):
        return np.arange(1 << 16, dtype=np.uint16).tobytes()
    anything = np.frombuffer(os.urandom(400_000), np.uint32).view(np.float32)
    nans = np.array(NAN_BITS, np.uint32).view(np.float32)
    kind = np.float32 if dtype == "F32" else np.float64
    with np.errstate(all="ignore"):
        return np.concatenate(
            [np.array(EDGES, kind), nans.astype(kind), anything.astype(kind)]
        ).tobytes()


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_cast_is_bit_for_bit_what_torch_gives(source: str, target: str) -> None:
    data = numbers(source)

    ours = Cast(source=source, target=target).convert(data)

    tensor = torch.frombuffer(bytearray(data), dtype=TORCH[source]).to(TORCH[target])
    theirs = tensor.view(torch.uint8).numpy().tobytes()
    assert ours == theirs


def test_rounding_by_truncation_would_not_pass() -> None:
    """The naive cast to BF16, the upper half of the bits, differs for about half of all numbers."""
    data = numbers("F32")

    naive = np.frombuffer(data, np.uint16)[1::2].tobytes()

    ours = np.frombuffer(Cast(source="F32", target="BF16").convert(data), np.uint16)
    assert (ours != np.frombuffer(naive, np.uint16)).mean() > 0.3


def test_a_nan_is_quiet_whatever_the_processor_makes_of_it() -> None:
    signalling = np.array([0x7F812345], np.uint32).tobytes()

    half = np.frombuffer(Cast(source="F32", target="F16").convert(signalling), np.uint16)
    brain = np.frombuffer(Cast(source="F32", target="BF16").convert(signalling), ml_dtypes.bfloat16)

    assert half[0] & 0x0200
    assert np.isnan(brain[0])


@pytest.mark.parametrize("dtype", ["I64", "BOOL", "U8", "I32", "C64", "F32"])
def test_only_floating_point_numbers_of_another_dtype_are_cast(dtype: str) -> None:
    assert cast_between(dtype, "F32") is None
    assert cast_between(dtype, "") is None


def test_no_numbers_are_cast_too() -> None:
    assert Cast(source="F32", target="BF16").convert(b"") == b""
