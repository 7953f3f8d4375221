"""Finds NaN and infinite numbers in raw bytes, without a library for numbers.

Such a number has all bits of its exponent set, which the highest bytes show. Few sound numbers come
near: those bytes are compared first, at the speed of the interpreter's own loops.

Source: IEEE 754-2019, 3.4; bfloat16 is the upper half of a single; OCP 8-bit floating point 1.0.
"""

from collections.abc import Callable, Mapping

_SIGNS = (0x00, 0x80)


def _either_sign(values: range) -> frozenset[int]:
    return frozenset(sign | value for sign in _SIGNS for value in values)


_ALL_SET = _either_sign(range(0x7F, 0x80))
_HALF = _either_sign(range(0x7C, 0x80))

RULES: Mapping[str, tuple[int, tuple[tuple[int, frozenset[int]], ...]]] = {
    "F64": (8, ((7, _ALL_SET), (6, frozenset(range(0xF0, 0x100))))),
    "F32": (4, ((3, _ALL_SET), (2, frozenset(range(0x80, 0x100))))),
    "C64": (4, ((3, _ALL_SET), (2, frozenset(range(0x80, 0x100))))),
    "F16": (2, ((1, _HALF),)),
    "BF16": (2, ((1, _ALL_SET), (0, frozenset(range(0x80, 0x100))))),
    "F8_E5M2": (1, ((0, _HALF),)),
    "F8_E4M3": (1, ((0, _ALL_SET),)),
}
"""dtype -> bytes a number, and for its highest bytes (counted from the lowest) the values that all
non-finite numbers have there, and no others have together."""


def finite_check(dtype: str) -> Callable[[bytes | bytearray], bool]:
    """Return what says whether all numbers of a piece are finite; integers always are."""
    if dtype not in RULES:
        return lambda _: True
    size, conditions = RULES[dtype]
    (first, values), *others = conditions
    sound = bytes(value for value in range(256) if value not in values)

    def is_finite(piece: bytes | bytearray) -> bool:
        if not piece[first::size].translate(None, sound):
            return True
        flags = _flags(piece[first::size], values)
        for place, allowed in others:
            flags &= _flags(piece[place::size], allowed)
        return not flags

    return is_finite


def _flags(column: bytes | bytearray, values: frozenset[int]) -> int:
    """Return a number with a bit set for every byte that has one of the values."""
    table = bytes(value in values for value in range(256))
    return int.from_bytes(column.translate(table), "little")
