"""Lists of names in a spec: none empty, none twice, and not more than an answer can hold. No torch.

What a caller sends comes back twice, in the resolved spec and in the output contract, and a client
takes answers of 4 MiB.
"""

from collections import Counter
from collections.abc import Iterator

from catalog_service.errors import listed

MAX_NAME_CHARS = 1000
"""Longer names than this are taken for a mistake."""

MAX_NAMES_BYTES = 1 << 20
"""All names of a list together, and three bytes for each, as a message holds them."""

MAX_PATHS = 1000
"""More modules than this are not removed; the largest model has 1,500."""


def name_problems(names: tuple[str, ...]) -> Iterator[str]:
    """Yield what is wrong with the names of classes, targets or keypoints."""
    size = sum(len(name.encode()) + 3 for name in names)
    longest = max(names, key=len, default="")
    if size > MAX_NAMES_BYTES:
        yield (
            f"{len(names)} names take {size} bytes, three a name added; at most {MAX_NAMES_BYTES}. "
            "Give shorter names, or their number alone"
        )
    elif len(longest) > MAX_NAME_CHARS:
        yield f"{longest[:40]!r}... has {len(longest)} characters; at most {MAX_NAME_CHARS}"
    else:
        yield from _repeated(names)
        if any(not name.strip() for name in names):
            yield "a name is empty"


def path_problems(paths: tuple[str, ...]) -> Iterator[str]:
    """Yield what is wrong with the paths of modules to remove, before a model is looked at."""
    longest = max(paths, key=len, default="")
    if len(paths) > MAX_PATHS:
        yield f"{len(paths)} paths; at most {MAX_PATHS}"
    elif len(longest) > MAX_NAME_CHARS:
        yield f"{longest[:40]!r}... has {len(longest)} characters; at most {MAX_NAME_CHARS}"
    else:
        if any(not path.strip(".") for path in paths):
            yield "a path is empty; the whole model cannot be removed"
        yield from _repeated(paths)


def _repeated(names: tuple[str, ...]) -> Iterator[str]:
    twice = sorted(repr(name[:100]) for name, count in Counter(names).items() if count > 1)
    if twice:
        yield f"{listed(twice)} is there more than once"
