"""Patterns over the names of parameters: which ones a custom freeze mode names. Pure, no torch."""

import re
from collections.abc import Iterable, Sequence

from catalog_service.errors import InvalidRequest, closest, listed

MAX_PATTERNS = 100
MAX_PATTERN_CHARS = 200
MAX_DEEP_WILDCARDS = 2
MAX_WILDCARDS = 6
"""Of both kinds in one pattern. Each further one multiplies the time that a match can take."""

_WILDCARDS = re.compile(r"(\*\*|\*)")
_EXPRESSIONS = {"**": ".*", "*": r"[^.]*"}


def named_by(patterns: Sequence[str], names: Sequence[str], *, field: str) -> frozenset[str]:
    """Return the names that a pattern matches, whole or up to one of their dots.

    Args:
        patterns: `layer4`, `layer*.0.bn1`, `**.bias`: `*` stands for any characters but dots, `**`
            for any.
        names: of all parameters.
        field: where the patterns come from, for the message.

    Raises:
        InvalidRequest: a pattern names nothing, with names that there are; or there are too many.
    """
    check_patterns(patterns, field=field)
    return frozenset(name for pattern in patterns for name in _named(pattern, names, field))


def check_patterns(patterns: Sequence[str], *, field: str) -> None:
    """Raise `InvalidRequest` where patterns cannot be matched in reasonable time."""
    if len(patterns) > MAX_PATTERNS:
        raise InvalidRequest(f"{field}: {len(patterns)} patterns; at most {MAX_PATTERNS}")
    for pattern in patterns:
        found = _WILDCARDS.findall(pattern)
        if not pattern or len(pattern) > MAX_PATTERN_CHARS:
            raise InvalidRequest(
                f"{field}: {pattern[:40]!r} has {len(pattern)} characters; 1 to {MAX_PATTERN_CHARS}"
            )
        if found.count("**") > MAX_DEEP_WILDCARDS or len(found) > MAX_WILDCARDS:
            raise InvalidRequest(
                f"{field}: {pattern!r} has {len(found)} wildcards; at most {MAX_WILDCARDS}, and"
                f" {MAX_DEEP_WILDCARDS} of them '**'"
            )


def _named(pattern: str, names: Sequence[str], field: str) -> Iterable[str]:
    parts = (_EXPRESSIONS.get(part, re.escape(part)) for part in _WILDCARDS.split(pattern))
    # A pattern of a module's path names everything inside the module.
    whole = re.compile(f"(?:{''.join(parts)})(?:\\..*)?")
    found = [name for name in names if whole.fullmatch(name)]
    if not found:
        raise InvalidRequest(f"{field}: no module and no parameter {_suggestion(pattern, names)}")
    return found


def _suggestion(pattern: str, names: Sequence[str]) -> str:
    modules = dict.fromkeys(module for name in names for module in _ancestors(name))
    roots = [repr(module) for module in modules if "." not in module]
    return (
        f"{pattern!r}; {closest(pattern, [*modules, *names])}the model's modules are"
        f" {listed(roots)}; `*` stands for any characters but dots, `**` for any"
    )


def _ancestors(name: str) -> Iterable[str]:
    parts = name.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts)))
