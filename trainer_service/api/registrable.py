"""Whether the backbone that a job leaves could be registered: known before hours of training."""

from catalog_service.errors import Violation, invalid, listed
from catalog_service.models.families.table import family_of
from catalog_service.models.layout import StateLayout
from trainer_service.catalog_gateway import ModelDescription

COUNTER = "num_batches_tracked"
"""What frozen batch norms lack, and a registration fills."""


def require_registrable(model: ModelDescription, published: StateLayout) -> None:
    """Raise where the trained backbone is not one that a later model of its kind could start from.

    Args:
        published: of the backbone's architecture as it was published. Its position table may have
            another size: a registration resizes it, but it takes any table for that of a square.

    Raises:
        InvalidRequest: the model has another stem, other widths, or lacks modules.
    """
    layout = model.layout
    ours = _shapes(layout)
    theirs = _shapes(published)
    table = family_of(layout.backbone_architecture).position_table
    different = {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)}
    if table and model.input.height_px == model.input.width_px:
        different -= {table}
    elif table:
        different |= {table}
    if different:
        why = (
            f"the catalog registers backbones of {layout.backbone_architecture} as it was "
            f"published, and this one differs in {listed(sorted(different))}; leave register_as "
            "empty: the export has the whole model"
        )
        raise invalid([Violation(field="spec.export.register_as", description=why)])


def _shapes(layout: StateLayout) -> dict[str, tuple[int, ...]]:
    """Return the backbone's tensors under the names of its blob."""
    backbone = layout.of_role("backbone")
    return {layout.blob_name(t.name): t.shape for t in backbone if not t.name.endswith(COUNTER)}
