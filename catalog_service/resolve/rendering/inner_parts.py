"""What lies inside a neck or a head, in a few lines. Pure."""

from collections.abc import Sequence

from catalog_service.models.model_description import ModuleInfo
from catalog_service.resolve.rendering.words import count_text, shape_text

MAX_LINES = 6
"""More modules than this are not listed one by one."""


MAX_LINE_CHARS = 44
"""Longer lines leave out the class."""

LEAST_CHARS = 5
"""Shorter names (`0`, `head`) say little without the one before."""


def inner_lines(modules: Sequence[ModuleInfo], role: str) -> tuple[str, ...]:
    """Return a line for each module of a role: its name, class, output and parameters; and, where
    one module puts out several maps, a line for each of those.
    """
    outer = _outermost(modules, role)
    opened = [inner for row in outer for inner in _children(modules, row) or [row]]
    rows = opened if len(opened) <= MAX_LINES else outer
    maps = outer[0].outputs if len(outer) == 1 and len(outer[0].outputs) > 1 else ()
    return (*_cut([_line(row) for row in rows]), *_cut([f"gives {shape_text(m)}" for m in maps]))


def only_class(modules: Sequence[ModuleInfo], role: str) -> str:
    """Return the class of a role's module where it is one; empty where there are several."""
    outer = _outermost(modules, role)
    return outer[0].class_name if len(outer) == 1 else ""


def _cut(lines: Sequence[str]) -> tuple[str, ...]:
    hidden = len(lines) - MAX_LINES
    return (*lines[:MAX_LINES], f"and {hidden} more") if hidden > 0 else tuple(lines)


def _outermost(modules: Sequence[ModuleInfo], role: str) -> list[ModuleInfo]:
    """Return the modules of a role that lie in no other one of it, and have parameters."""
    found: list[ModuleInfo] = []
    for row in modules:
        inside = any(row.path.startswith(f"{outer.path}.") for outer in found)
        if row.role == role and row.num_parameters and not inside:
            found.append(row)
    return found


def _children(modules: Sequence[ModuleInfo], row: ModuleInfo) -> list[ModuleInfo]:
    depth = row.path.count(".") + 1
    return [
        inner
        for inner in modules
        if inner.path.startswith(f"{row.path}.")
        and inner.path.count(".") == depth
        and inner.num_parameters
    ]


def _line(row: ModuleInfo) -> str:
    outputs = f" → {shape_text(row.outputs[0])}" if len(row.outputs) == 1 else ""
    rest = f"{outputs}, {count_text(row.num_parameters)}"
    line = f"{_short(row.path)}: {row.class_name}{rest}"
    return line if len(line) <= MAX_LINE_CHARS else f"{_short(row.path)}{rest}"


def _short(path: str) -> str:
    """Return the last name of a path, with the one before it where that alone says little."""
    before, _, last = path.rpartition(".")
    return path if len(last) < LEAST_CHARS and "." not in before else _two(before, last)


def _two(before: str, last: str) -> str:
    return last if len(last) >= LEAST_CHARS else f"{before.rpartition('.')[2]}.{last}"
