"""Where numbers come from: parents, files, data, training and terms. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from catalog_service.models.plain_json import JsonObject, from_plain, to_plain

MAX_LINEAGE_CHARS = 4096
"""Of a text in a lineage but the note."""

MAX_NOTE_CHARS = 10_000

MAX_ROWS = 100
"""Of augmentations and of results: lists of checkpoints carry them and must fit into a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One line of a table of results: what was measured on, and name -> value."""

    setting: str
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Where a state comes from."""

    parent: str = ""
    parent_backbone_digest: str = ""
    source_digest: str = ""
    source_proof: str = ""
    """`full`, `prefix`, `first_use`, or empty where there was no file."""

    licence: str = ""
    method: str = ""
    dataset: str = ""
    num_images: int = 0
    num_epochs: int = 0
    train_job: str = ""
    note: str = ""
    loss: str = ""
    augmentations: tuple[str, ...] = ()
    optimizer: str = ""
    learning_rate: float = 0.0
    lr_rule: str = ""
    """How the learning rate follows the batch size: `linear`, `sqrt`; empty: not at all."""

    batch_size: int = 0
    results: tuple[ResultRow, ...] = ()

    def to_json(self) -> JsonObject:
        """Return the lineage as plain JSON."""
        plain: JsonObject = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the lineage that `to_json` wrote."""
        return from_plain(cls, data)
