"""Which dtypes are cast into which. The arithmetic is in `cast_numbers.py`."""

from dataclasses import dataclass

from catalog_service.blobs.safetensors_file import DTYPE_BITS

CASTABLE = ("F64", "F32", "F16", "BF16")
"""What is cast; integers, booleans and complex numbers stay as they are."""

NOT_CASTABLE = frozenset(
    dtype for dtype in DTYPE_BITS if dtype.startswith("F") and dtype not in CASTABLE
)
"""Floating-point numbers of 8 bits and fewer: without their scales they mean nothing."""

TARGETS = ("F32", "F16", "BF16")


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
        # Here, not on top: numpy costs a service 0.2 s and 20 MB, and most never cast.
        from catalog_service.blobs.cast_numbers import cast_numbers

        return cast_numbers(data, self.source, self.target)


def cast_between(source: str, target: str) -> Cast | None:
    """Return the cast of a tensor of dtype `source` that is wanted in `target`; None for none.

    Args:
        target: of TARGETS; empty where nothing is cast.
    """
    if not target or source == target or source not in CASTABLE:
        return None
    return Cast(source=source, target=target)
