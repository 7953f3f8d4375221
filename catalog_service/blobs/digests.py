"""How blobs are named: by the sha256 of their bytes, written `sha256:<64 hex digits>`."""

import hashlib
import re
from pathlib import Path

from catalog_service.errors import InvalidRequest

_DIGEST = re.compile(r"(?:blobs/)?(sha256:[0-9a-f]{64})")


def parse_digest(text: str) -> str:
    """Return `sha256:<hex>` for `sha256:<hex>` or `blobs/sha256:<hex>`.

    Raises:
        InvalidRequest: anything else, upper-case digits included: one blob has one name.
    """
    found = _DIGEST.fullmatch(text)
    if found is None:
        raise InvalidRequest(
            f"{text[:100]!r} is not a blob; write blobs/sha256:<64 lower-case hex digits>"
        )
    return found.group(1)


def hex_of(digest: str) -> str:
    """Return the 64 hex digits of `sha256:<hex>`."""
    return parse_digest(digest).removeprefix("sha256:")


def sha256_of_file(path: Path) -> str:
    """Return `sha256:<hex>` of a file's bytes."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
