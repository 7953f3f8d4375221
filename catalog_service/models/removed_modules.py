"""Modules replaced by Identity, and whether what is left still runs. Imports torch."""

from collections.abc import Sequence

from torch import nn

from catalog_service.errors import InvalidRequest, closest


def remove_modules(module: nn.Module, paths: Sequence[str]) -> nn.Module:
    """Return `module` with Identity at `paths`.

    Raises:
        InvalidRequest: no module has such a path; names the nearest.
    """
    for path in paths:
        known = [name for name, _ in module.named_modules() if name]
        if path not in known:
            raise InvalidRequest(
                f"no module {path[:200]!r} in this model; {closest(path, known)}"
                f"DescribeModel lists all {len(known)}"
            )
        parent, _, name = path.rpartition(".")
        setattr(module.get_submodule(parent), name, nn.Identity())
    return module
