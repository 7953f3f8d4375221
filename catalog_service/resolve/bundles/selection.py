"""What goes into a bundle, by name."""

from collections.abc import Iterable
from dataclasses import dataclass

from catalog_service.checkpoints.registry import Registry
from catalog_service.errors import Violation, invalid
from catalog_service.resolve.supply import Supply
from catalog_service.weights.references import is_checkpoint, is_repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Everything that one of these says, but what is under an excluded licence.

    Attributes:
        names: of weights, repositories and checkpoints, in any spelling.
        architectures: for their default weights.
    """

    names: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    exclude_licences: tuple[str, ...] = ()


def selected(selection: Selection, supply: Supply) -> tuple[str, ...]:
    """Return canonical references, sorted, each once.

    Raises:
        InvalidRequest: nothing was selected, or a name is no reference.
        WeightsNotFound, CheckpointNotFound, ArchitectureNotFound: with the nearest names.
    """
    names = {supply.canonical_reference(name) for name in selection.names}
    for architecture in selection.architectures:
        entry = supply.index.architecture(architecture)
        names.add(supply.index.default_weight(entry.architecture_id).reference)
    chosen = _allowed(sorted(names), selection.exclude_licences, supply)
    if not chosen:
        why = "nothing is selected; name weights, architectures or a filter that matches some"
        raise invalid([Violation(field="selection", description=why)])
    return chosen


def _allowed(
    names: Iterable[str], exclude_licences: tuple[str, ...], supply: Supply
) -> tuple[str, ...]:
    excluded = frozenset(exclude_licences)
    if not excluded:
        return tuple(names)
    return tuple(name for name in names if licence_of(name, supply) not in excluded)


def licence_of(reference: str, supply: Supply) -> str:
    """Return the licence of a weight or a checkpoint, as it is known here; nobody is asked."""
    registry: Registry = supply.registry
    if is_checkpoint(reference):
        return registry.get(reference).lineage.licence
    if is_repository(reference):
        return supply.hub.at_hand(reference).licence
    return supply.index.weight(reference).licence
