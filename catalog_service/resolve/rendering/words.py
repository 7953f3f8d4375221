"""Numbers and shapes as people read them. Pure."""

from catalog_service.models.model_description import Shape

TIMES = " \N{MULTIPLICATION SIGN} "

EXACT_BELOW = 100_000
"""Smaller counts are written out."""

_UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
_BYTES = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def count_text(count: int) -> str:
    """Return `14,343`, `23.5 M` or `4.09 G`: three digits that count."""
    if abs(count) < EXACT_BELOW:
        return f"{count:,}"
    size, unit = next((size, unit) for size, unit in _UNITS if abs(count) >= size)
    return f"{_three_digits(count / size)} {unit}"


def bytes_text(num_bytes: int) -> str:
    """Return `90.3 MB`."""
    for size, unit in _BYTES:
        if num_bytes >= size:
            return f"{_three_digits(num_bytes / size)} {unit}"
    return f"{num_bytes} B"


def plural(count: int, noun: str) -> str:
    """Return `1 image`, `2 images`."""
    return f"{count_text(count)} {noun}{'' if count == 1 else 's'}"


def shape_text(shape: Shape) -> str:
    """Return the sizes of [1, 256, 56, 56] without the first; -1 is `n`: as many as there are."""
    sizes = ["n" if size < 0 else str(size) for size in shape[1:]]
    return f"{sizes[0]} numbers" if len(sizes) == 1 and sizes != ["n"] else TIMES.join(sizes)


def _three_digits(value: float) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f}"
