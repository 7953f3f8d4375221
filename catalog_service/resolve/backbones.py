"""Backbones that were written once and serve every model that starts from the same numbers."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Self

from catalog_service.blobs.records import Records
from catalog_service.blobs.state_digest import TensorDigest, layout_digest, state_digest
from catalog_service.blobs.store import BlobInfo, BlobNotFound, BlobStore, DigestMismatch
from catalog_service.models.layout import StateLayout
from catalog_service.models.part_report import PartReport
from catalog_service.models.plain_json import JsonObject, MalformedJson, from_plain, to_plain
from catalog_service.models.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Where numbers are read from: a blob, and what was done to it before; or nowhere."""

    blob_digest: str = ""
    recipe: Recipe | None = None
    """The structure that the blob is a state of; None for a bare backbone."""

    rules: tuple[str, ...] = ()
    image_px: tuple[int, int] | None = None
    """Height and width of the images that its position table is for; None: those of a square."""

    @property
    def determined_by(self) -> JsonObject:
        """Return what of the numbers makes two states different."""
        found: JsonObject = {
            "source": self.blob_digest,
            "source_recipe": self.recipe.to_json() if self.recipe else None,
        }
        return {**found, "image_px": list(self.image_px)} if self.image_px else found


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPart:
    """What a worker says of a file that it wrote."""

    tensors: tuple[TensorDigest, ...]
    report: PartReport

    @property
    def digest(self) -> str:
        """Return the state digest of the part alone."""
        return state_digest(self.tensors)

    def to_json(self) -> JsonObject:
        """Return the part as plain JSON."""
        plain: JsonObject = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the part that `to_json` wrote, or that a worker answered.

        Raises:
            MalformedJson: another release's.
        """
        return from_plain(cls, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPart:
    """A part whose bytes are in the store."""

    blob: BlobInfo
    part: WrittenPart


class Backbones:
    """Remembers backbones by what determines them.

    Args:
        records: from a key to a blob and the digests of its tensors.
    """

    def __init__(self, store: BlobStore, records: Records) -> None:
        self._store = store
        self._records = records
        self._turns = _Turns()

    def find(self, key: str) -> StoredPart | None:
        """Return a backbone that was written before and is still whole."""
        value = self._records.get(key)
        if value is None:
            return None
        try:
            blob = self._store.ensure_intact(value["blob"])
            return StoredPart(blob=blob, part=WrittenPart.from_json(value["part"]))
        except (BlobNotFound, DigestMismatch, KeyError, MalformedJson):
            return None

    def remember(self, key: str, stored: StoredPart) -> None:
        """Record a backbone whose blob is in the store."""
        self._records.put(key, {"blob": stored.blob.digest, "part": stored.part.to_json()})

    @contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """Keep others from writing the same backbone; who comes later may find it written."""
        with self._turns.of(key):
            yield


def backbone_key(
    recipe: Recipe,
    layout: StateLayout,
    numbers: Numbers,
    *,
    seed: int,
    allow_partial: bool,
) -> str:
    """Return what determines a backbone: its structure, and where its numbers come from.

    The head is no part of it. A seed is one only where backbone numbers may be drawn.
    """
    wants_random = recipe.stem is not None and recipe.stem["adaptation"] == "random"
    is_drawn = not numbers.blob_digest or allow_partial or wants_random
    tensors = ((layout.blob_name(t.name), t.dtype, t.shape) for t in layout.of_role("backbone"))
    determined_by = {
        "recipe": replace(recipe, head=None, neck=None).to_json(),
        "layout": layout_digest(tensors),
        **numbers.determined_by,
        "allow_partial": allow_partial,
        "seed": seed if is_drawn else None,
    }
    text = json.dumps(determined_by, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def whole_digest(layout: StateLayout, backbone: WrittenPart, head: WrittenPart) -> str:
    """Return the state digest of a model, all tensors under the model's names."""
    renamed = [replace(each, name=layout.model_name(each.name)) for each in backbone.tensors]
    return state_digest([*renamed, *head.tensors])


@dataclass(slots=True)
class _Turn:
    lock: threading.Lock = field(default_factory=threading.Lock)
    num_callers: int = 0


class _Turns:
    """One lock a key, kept as long as somebody wants it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: dict[str, _Turn] = {}

    @contextmanager
    def of(self, key: str) -> Iterator[None]:
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
            turn.num_callers += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._lock:
                turn.num_callers -= 1
                if not turn.num_callers:
                    del self._turns[key]
