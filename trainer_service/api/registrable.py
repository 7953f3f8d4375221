"""Whether the backbone that a job leaves could be registered: known before hours of training."""

from catalog_service.errors import InvalidRequest, Violation, invalid, listed
from catalog_service.models.backbone_structure import structure_of
from catalog_service.models.layout import StateLayout
from trainer_service.catalog_gateway import Catalog, ModelDescription

COUNTER = "num_batches_tracked"
"""What frozen batch norms lack, and a registration fills."""


async def require_registrable(model: ModelDescription, catalog: Catalog) -> None:
    """Return if a later model could start from the trained backbone: if its architecture, with the
    structure that would be registered, has the same tensors.

    Raises:
        InvalidRequest: it could not, with what differs.
        VertebraError: what the catalog said. CatalogUnavailable: nothing.
    """
    architecture_id = model.layout.backbone_architecture
    structure = structure_of(model.spec, model.layout)
    try:
        alone = await catalog.describe(structure.definition(architecture_id))
    except InvalidRequest as error:
        raise _refusal(
            f"{architecture_id} alone cannot have its structure: {error.message}"
        ) from error
    require_same_backbone(model.layout, alone.layout)


def require_same_backbone(layout: StateLayout, alone: StateLayout) -> None:
    """Raise InvalidRequest unless a model's backbone has the tensors of its architecture alone."""
    ours, theirs = _shapes(layout), _shapes(alone)
    different = {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)}
    if different:
        raise _refusal(
            f"as the catalog would build {alone.backbone_architecture} again, it differs in"
            f" {listed(sorted(different))}"
        )


def _refusal(reason: str) -> InvalidRequest:
    why = (
        f"the backbone of this model cannot be registered: {reason}; leave register_as empty: the"
        " export has the whole model"
    )
    return invalid([Violation(field="spec.export.register_as", description=why)])


def _shapes(layout: StateLayout) -> dict[str, tuple[int, ...]]:
    """Return the backbone's tensors under the names of its blob."""
    backbone = layout.of_role("backbone")
    return {layout.blob_name(t.name): t.shape for t in backbone if not t.name.endswith(COUNTER)}
