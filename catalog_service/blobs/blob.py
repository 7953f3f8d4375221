"""A blob as a value, and what can be wrong with one."""

from dataclasses import dataclass

from catalog_service.errors import Corrupt, InvalidRequest, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobInfo:
    """A blob that is here: `sha256:<hex>` and its size."""

    digest: str
    size_bytes: int


class BlobNotFound(NotFound):
    """The store has no such blob."""

    reason = "BLOB_NOT_FOUND"


class DigestMismatch(Corrupt):
    """Bytes are not the ones that their digest names."""

    reason = "DIGEST_MISMATCH"

    @classmethod
    def between(cls, expected: str, actual: str) -> "DigestMismatch":
        """Return the error for bytes that have `actual` where `expected` was announced."""
        return cls(
            f"expected {expected}, but the bytes have {actual}; nothing was stored",
            metadata={"expected": expected, "actual": actual},
        )


class SizeMismatch(InvalidRequest):
    """More or fewer bytes than announced."""

    @classmethod
    def between(cls, expected: int, actual: int) -> "SizeMismatch":
        """Return the error for `actual` bytes, so far, where `expected` were announced."""
        return cls(f"{expected} bytes were announced, {actual} arrived; nothing was stored")
