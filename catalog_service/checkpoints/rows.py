"""Checkpoint <-> row of the registry."""

import json
from typing import Any

import sqlalchemy as sql

from catalog_service.checkpoints.checkpoint import Checkpoint, CheckpointRemedies
from catalog_service.models.backbone_structure import BackboneStructure
from catalog_service.models.layout import LoadReport
from catalog_service.models.lineage import Lineage
from catalog_service.models.plain_json import from_plain, to_plain

_DOCUMENTS = ("lineage", "load_report", "metrics", "mean", "std", "structure", "remedies")
"""Fields that no query asks for: together in the column `details`."""

_COLUMNS = (
    "checkpoint_id",
    "architecture_id",
    "structure_of",
    "backbone_digest",
    "blob_digest",
    "blob_size_bytes",
    "create_time",
)


def row_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the columns of a checkpoint that is listed."""
    details = {name: to_plain(getattr(checkpoint, name)) for name in _DOCUMENTS}
    return {
        **{name: getattr(checkpoint, name) for name in _COLUMNS},
        "details": json.dumps(details),
        "parent": checkpoint.lineage.parent,
        "delete_time": None,
    }


def checkpoint_of(row: sql.Row[Any]) -> Checkpoint:
    """Return the checkpoint of a row, also of one that an earlier release wrote."""
    details = json.loads(row.details)
    return Checkpoint(
        **{name: getattr(row, name) for name in _COLUMNS},
        lineage=Lineage.from_json(details["lineage"]),
        load_report=LoadReport.from_json(details["load_report"]),
        metrics=details["metrics"],
        mean=tuple(details["mean"]),
        std=tuple(details["std"]),
        structure=from_plain(BackboneStructure, details.get("structure", {})),
        remedies=from_plain(CheckpointRemedies, details.get("remedies", {})),
    )
