"""Whether the builder arguments of a spec are ones that its architecture takes. Pure."""

from collections.abc import Mapping
from typing import Any

from catalog_service.errors import MAX_LISTED, Violation, listed
from catalog_service.models.families.family import Family
from catalog_service.models.families.table import family_of

MAX_NAME_CHARS = 100
"""Of a name in a message."""


def check_arguments(
    architecture_id: str, asked: Mapping[str, Any], published: Mapping[str, Any]
) -> list[Violation]:
    """Return what is wrong with builder arguments, so that no builder is tried with them.

    Args:
        asked: of the spec.
        published: of the structure that they change.
    """
    family = family_of(architecture_id)
    found = [*_unknown(architecture_id, family, asked), *_wrong(family, asked)]
    if not found and asked and family.contradiction is not None:
        why = family.contradiction({**published, **asked})
        found += [why] if why else []
    return [Violation(field="arguments", description=why) for why in found]


def _unknown(architecture_id: str, family: Family, asked: Mapping[str, Any]) -> list[str]:
    free = family.free_arguments
    unknown = sorted(set(asked) - set(free))
    if not unknown:
        return []
    takes = f"it takes {', '.join(free)}" if free else "it takes none"
    quoted = [repr(name[:MAX_NAME_CHARS]) for name in unknown[:MAX_LISTED]]
    names = listed([*quoted, *unknown[MAX_LISTED:]])
    return [f"{architecture_id} takes no {names}; {takes}"]


def _wrong(family: Family, asked: Mapping[str, Any]) -> list[str]:
    rules = family.free_arguments
    problems = {name: rules[name].problem(asked[name]) for name in rules if name in asked}
    return [f"{name} {why}" for name, why in problems.items() if why]
