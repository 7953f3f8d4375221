"""Under what terms a backbone may be passed on, given what it was trained from. Pure.

A licence that binds what is derived goes along: a fine-tuned DINOv3 stays under DINOv3's terms.
Source: DINOv3 License (LICENSE.md, 2025-08-19), 1.b.i: derivatives only under the same agreement.
"""

from catalog_service.errors import Violation
from catalog_service.models.published_dinov3 import LICENCE as DINOV3_LICENCE

BINDING = frozenset({DINOV3_LICENCE})
"""Licences that hold for what is derived, too."""

UNKNOWN = "unknown"


def inherited_licence(given: str, parent: str) -> str:
    """Return the licence of a backbone.

    Args:
        given: what its makers say; empty where they say nothing.
        parent: the licence of what it was trained from; empty where nobody knows.
    """
    return given or parent or UNKNOWN


def check_licence(given: str, parent: str, *, parent_name: str) -> list[Violation]:
    """Return why a backbone cannot be under `given`."""
    if parent not in BINDING or given in ("", parent):
        return []
    why = (
        f"{given[:100]!r} is not what {parent_name} allows: what is trained from it stays under "
        f"{parent!r}; leave the licence empty to inherit it"
    )
    return [Violation(field="lineage.licence", description=why)]
