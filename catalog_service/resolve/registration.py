"""What a caller wants registered, as a value; its form was checked."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from catalog_service.checkpoints.checkpoint import CheckpointRemedies
from catalog_service.models.backbone_structure import BackboneStructure
from catalog_service.models.lineage import Lineage
from catalog_service.models.plain_json import to_plain
from catalog_service.resolve.checkpoint_files import NamedFile

_FIRST_FIELDS = frozenset(
    {"request_id", "checkpoint_id", "architecture_id", "blob_name", "lineage", "metrics"}
    | {"mean", "std"}
)
_FIRST_LINEAGE_FIELDS = frozenset(
    {"parent", "parent_backbone_digest", "source_digest", "source_proof", "licence", "method"}
    | {"dataset", "num_images", "num_epochs", "train_job", "note"}
)
"""What the first release's requests had. Later fields count where they say something, so that its
requests are still the same when they are repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a caller wants registered.

    Attributes:
        architecture_id: empty: what the file is, where that is beyond doubt.
        blob_name, path: of the file; neither for an entry without bytes.
        prefix: of the tree in the file; empty: the one that fits.
        source_digest: `sha256:<hex>` that the file must have; empty: any.
    """

    request_id: str
    checkpoint_id: str
    architecture_id: str
    blob_name: str
    lineage: Lineage
    metrics: Mapping[str, float]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    structure: BackboneStructure = field(default_factory=BackboneStructure)
    path: str = ""
    prefix: str = ""
    remedies: CheckpointRemedies = field(default_factory=CheckpointRemedies)
    source_digest: str = ""

    @property
    def file(self) -> NamedFile | None:
        """The file that is registered; None for an entry without bytes."""
        if not self.blob_name and not self.path:
            return None
        return NamedFile(blob_name=self.blob_name, path=self.path)

    @property
    def digest(self) -> str:
        """sha256 over everything but the request id: what makes two requests the same."""
        plain = _without_silent(self, to_plain(replace(self, request_id="")), _FIRST_FIELDS)
        lineage = _without_silent(self.lineage, plain["lineage"], _FIRST_LINEAGE_FIELDS)
        text = json.dumps({**plain, "lineage": lineage}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _without_silent(value: Any, plain: dict[str, Any], first: frozenset[str]) -> dict[str, Any]:
    """Return `plain` without the later fields that have their defaults."""
    defaults = {
        each.name: each.default_factory() if callable(each.default_factory) else each.default
        for each in fields(value)
    }
    return {
        name: item
        for name, item in plain.items()
        if name in first or getattr(value, name) != defaults[name]
    }
