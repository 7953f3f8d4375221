"""Writes a plan's state as blobs, and remembers which blobs those are."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from catalog_service.blobs.disk import discard
from catalog_service.blobs.records import Records
from catalog_service.blobs.store import BlobInfo, BlobNotFound, BlobStore, DigestMismatch
from catalog_service.errors import NotFound
from catalog_service.models.layout import LoadReport, StateLayout
from catalog_service.models.part_report import joined
from catalog_service.models.plain_json import MalformedJson
from catalog_service.models.spec import spec_digest
from catalog_service.resolve.backbones import (
    Backbones,
    Numbers,
    StoredPart,
    WrittenPart,
    backbone_key,
    whole_digest,
)
from catalog_service.resolve.build_plan import BuildPlan
from catalog_service.worker_pool import WorkerPool

__all__ = ["Builds", "ModelNotFound", "ModelParts", "Numbers", "StoredState"]

_PREFIX = "models/"


class ModelNotFound(NotFound):
    """No model of this name was built here."""

    reason = "MODEL_NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredState:
    """A state in the store."""

    backbone: BlobInfo
    head: BlobInfo
    state_digest: str
    backbone_digest: str
    report: LoadReport


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelParts:
    """A built model's files: the backbone's names are those of its blob."""

    layout: StateLayout
    backbone_path: Path
    head_path: Path


class Builds:
    """Builds states through a worker.

    Args:
        records: from what determines a state to its blobs.
        backbones: that were written before.
    """

    def __init__(
        self, *, store: BlobStore, records: Records, backbones: Backbones, pool: WorkerPool
    ) -> None:
        self._store = store
        self._records = records
        self._backbones = backbones
        self._pool = pool

    @staticmethod
    def key(plan: BuildPlan, layout: StateLayout, numbers: Numbers) -> str:
        """Return what determines the state: spec, recipe, layout with its roles, and source."""
        determined_by = {
            "spec": spec_digest(plan.spec),
            "recipe": plan.recipe.to_json(),
            "layout": layout.to_json(),
            **numbers.determined_by,
            "rules": list(numbers.rules),
        }
        text = json.dumps(determined_by, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def find(self, key: str) -> StoredState | None:
        """Return a state that was built before and is still whole; another release's is absent."""
        value = self._records.get(key)
        if value is None:
            return None
        try:
            return self._state(value)
        except (BlobNotFound, DigestMismatch, KeyError, MalformedJson):
            return None

    def parts(self, name: str) -> ModelParts:
        """Return the files of `models/<key>`, hashed again where they were touched.

        Raises:
            ModelNotFound: never built here, or by another release; build it again.
            BlobNotFound: a part is gone; build it again.
            DigestMismatch: the bytes of a part changed; it is in quarantine now.
        """
        value = self._records.get(name.removeprefix(_PREFIX)) if name.startswith(_PREFIX) else None
        try:
            layout = StateLayout.from_json((value or {})["layout"])
            blobs = [(value or {})[part] for part in ("backbone", "head")]
        except (KeyError, MalformedJson):
            raise ModelNotFound(
                f"no model {name[:100]!r} was built here; BuildModel gives its name",
                metadata={"model": name[:100]},
            ) from None
        paths = [self._store.path(self._store.ensure_intact(blob).digest) for blob in blobs]
        return ModelParts(layout=layout, backbone_path=paths[0], head_path=paths[1])

    def build(
        self, key: str, plan: BuildPlan, layout: StateLayout, numbers: Numbers
    ) -> StoredState:
        """Have a worker write what is not written yet, and store it.

        Raises:
            StateMismatch: the numbers do not fit the recipe.
            DiskFull: nothing was stored.
            WorkerDied: the worker ended; call again.
        """
        order = self._order(plan, numbers)
        shared = backbone_key(
            plan.recipe,
            layout,
            numbers,
            seed=order["seed"],
            allow_partial=plan.spec.allow_partial,
        )
        backbone = self._backbones.find(shared)
        if backbone is not None:
            head = self._write_head(order)
        else:
            with self._backbones.turn(shared):
                backbone, head = self._write(order, shared)
        value = _value(layout, backbone, head, numbers.rules)
        self._records.put(key, value)
        return self._state(value)

    def _write(self, order: dict[str, Any], shared: str) -> tuple[StoredPart, StoredPart]:
        """Write both parts; where another caller wrote the backbone meanwhile, the head alone."""
        backbone = self._backbones.find(shared)
        if backbone is not None:
            return backbone, self._write_head(order)
        with self._staged() as backbone_out, self._staged() as head_out:
            paths = {"backbone_out": str(backbone_out), "head_out": str(head_out)}
            answer = self._pool.call("build_parts", {**order, **paths})
            backbone = self._stored(backbone_out, answer["backbone"])
            head = self._stored(head_out, answer["head"])
        self._backbones.remember(shared, backbone)
        return backbone, head

    def _write_head(self, order: dict[str, Any]) -> StoredPart:
        with self._staged() as head_out:
            answer = self._pool.call("build_parts", {**order, "head_out": str(head_out)})
            return self._stored(head_out, answer["head"])

    @contextmanager
    def _staged(self) -> Iterator[Path]:
        path = self._store.new_staging_path()
        try:
            yield path
        finally:
            discard(path)

    def _stored(self, path: Path, answer: object) -> StoredPart:
        part = WrittenPart.from_json(answer)
        return StoredPart(blob=self._store.commit_staged(path), part=part)

    def _order(self, plan: BuildPlan, numbers: Numbers) -> dict[str, Any]:
        source = str(self._store.path(numbers.blob_digest)) if numbers.blob_digest else None
        return {
            "recipe": plan.recipe.to_json(),
            "source": source,
            "source_recipe": numbers.recipe.to_json() if numbers.recipe else None,
            "source_image_px": list(numbers.image_px) if numbers.image_px else None,
            "seed": _drawing_seed(plan.spec.seed, numbers.blob_digest),
            "allow_partial": plan.spec.allow_partial,
        }

    def _state(self, value: dict[str, Any]) -> StoredState:
        return StoredState(
            backbone=self._store.ensure_intact(value["backbone"]),
            head=self._store.ensure_intact(value["head"]),
            state_digest=value["state_digest"],
            backbone_digest=value["backbone_digest"],
            report=LoadReport.from_json(value["report"]),
        )


def model_name(key: str) -> str:
    """Return `models/<key>`, what ReadTensors takes."""
    return f"{_PREFIX}{key}"


def _value(
    layout: StateLayout, backbone: StoredPart, head: StoredPart, rules: tuple[str, ...]
) -> dict[str, Any]:
    """Return what is remembered of a build."""
    report = joined(layout, backbone.part.report.renamed(layout.model_name), head.part.report)
    return {
        "backbone": backbone.blob.digest,
        "head": head.blob.digest,
        "state_digest": whole_digest(layout, backbone.part, head.part),
        "backbone_digest": backbone.part.digest,
        "report": replace(report, rules=(*rules, *report.rules)).to_json(),
        "layout": layout.to_json(),
    }


def _drawing_seed(seed: int, source_digest: str) -> int:
    """Return the seed of what is drawn beside a source.

    The source's digest is part of it: with the seed alone, a new head on a backbone that was
    trained here would be the very head that it learned with, and look trained from the start.
    """
    if not source_digest:
        return seed
    drawn = hashlib.sha256(f"{seed} {source_digest}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") >> 1  # torch takes 63 bits
