"""Which stage of a backbone a tensor belongs to. Pure, no torch."""

from catalog_service.models.families.family import StageRule
from catalog_service.models.layout import is_inside


def stage_of(rules: tuple[StageRule, ...], name: str) -> StageRule:
    """Return the one stage that holds a backbone tensor.

    Raises:
        LookupError: no stage or more than one; the family's table is wrong.
    """
    found = [rule for rule in rules if any(is_inside(name, module) for module in rule.modules)]
    if len(found) != 1:
        raise LookupError(f"{name!r} is in {len(found)} stages, not in one")
    return found[0]
