"""Every half-precision number, and the edges of the others, are judged as torch judges them."""

import random
import struct

import pytest
import torch

from catalog_service.reader.finite_numbers import RULES, finite_check

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3": torch.float8_e4m3fn,
    "C64": torch.complex64,
}


def is_finite(bits: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    numbers = bits.view(dtype)
    return torch.isfinite(numbers if numbers.is_complex() else numbers.to(torch.float64))


def test_every_rule_is_tested() -> None:
    assert set(DTYPES) == set(RULES)


@pytest.mark.parametrize("dtype", ["F16", "BF16", "F8_E5M2", "F8_E4M3"])
def test_every_number_of_16_or_fewer_bits(dtype: str) -> None:
    check, size = finite_check(dtype), RULES[dtype][0]
    bits = torch.arange(256**size).to(torch.uint8 if size == 1 else torch.uint16)
    data = bits.numpy().tobytes()

    found = [check(data[i : i + size]) for i in range(0, len(data), size)]

    assert found == is_finite(bits, DTYPES[dtype]).tolist()


@pytest.mark.parametrize("dtype", ["F64", "F32", "C64"])
def test_edges_and_random_bits_of_wider_numbers(dtype: str) -> None:
    check, rng = finite_check(dtype), random.Random(3)
    form, width = ("<d", 64) if dtype == "F64" else ("<f", 32)
    exponent = 0x7FF << 52 if dtype == "F64" else 0xFF << 23
    edges = [exponent, exponent - 1, exponent + 1, exponent | 1 << (width - 1), 0, 1]
    bits = [*edges, *(rng.getrandbits(width) for _ in range(2000))]
    bits += [number | exponent for number in bits[6:200]]
    numbers = [struct.unpack(form, number.to_bytes(width // 8, "little"))[0] for number in bits]

    for raw, value in zip(bits, numbers, strict=True):
        piece = raw.to_bytes(width // 8, "little") * (2 if dtype == "C64" else 1)
        assert check(piece) == bool(torch.isfinite(torch.tensor(value, dtype=torch.float64))), raw


@pytest.mark.parametrize("place", [0, 77, 999])
def test_one_bad_number_among_many_is_found_wherever_it_is(place: int) -> None:
    numbers = torch.full((1000,), 3.0e38)
    assert finite_check("F32")(numbers.numpy().tobytes())

    numbers[place] = float("nan")

    assert not finite_check("F32")(numbers.numpy().tobytes())


def test_integers_are_always_finite() -> None:
    assert finite_check("I64")(b"\xff" * 64)
