"""Which part of a model a tensor or module belongs to. Pure, no torch."""

from catalog_service.models.families.family import Family, StageRule
from catalog_service.models.layout import Role, is_inside


def role_of(family: Family, name: str) -> Role:
    """Return the role of a tensor or module path: exactly one for every name."""
    if any(is_inside(name, module) for module in family.head_modules):
        return "head"
    if any(is_inside(name, module) for module in family.aux_modules):
        return "aux"
    return "backbone"


def stage_of(rules: tuple[StageRule, ...], name: str) -> StageRule:
    """Return the one stage that holds a backbone tensor.

    Raises:
        LookupError: no stage or more than one; the family's table is wrong.
    """
    found = [rule for rule in rules if any(is_inside(name, module) for module in rule.modules)]
    if len(found) != 1:
        raise LookupError(f"{name!r} is in {len(found)} stages, not in one")
    return found[0]
