"""Writes a plan's state as blobs, and remembers which blobs those are."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from catalog_service.blobs.records import Records
from catalog_service.blobs.store import BlobInfo, BlobNotFound, BlobStore, DigestMismatch
from catalog_service.models.layout import LoadReport, StateLayout
from catalog_service.models.plain_json import MalformedJson
from catalog_service.models.spec import spec_digest
from catalog_service.resolve.build_plan import BuildPlan
from catalog_service.worker_pool import WorkerPool


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Where a plan's numbers are read from: a blob, and what was done to it before; or nowhere."""

    blob_digest: str = ""
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredState:
    """A state in the store."""

    backbone: BlobInfo
    head: BlobInfo
    state_digest: str
    backbone_digest: str
    report: LoadReport


class Builds:
    """Builds states through a worker.

    Args:
        records: from what determines a state to its blobs.
    """

    def __init__(self, *, store: BlobStore, records: Records, pool: WorkerPool) -> None:
        self._store = store
        self._records = records
        self._pool = pool

    @staticmethod
    def key(plan: BuildPlan, layout: StateLayout, numbers: Numbers) -> str:
        """Return what determines the state: spec, recipe, layout with its roles, and source."""
        determined_by = {
            "spec": spec_digest(plan.spec),
            "recipe": plan.recipe.to_json(),
            "layout": layout.to_json(),
            "source": numbers.blob_digest,
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

    def build(self, key: str, plan: BuildPlan, numbers: Numbers) -> StoredState:
        """Have a worker write the state, and store it.

        Raises:
            StateMismatch: the numbers do not fit the recipe.
            DiskFull: nothing was stored.
            WorkerDied: the worker ended; call again.
        """
        backbone_out, head_out = self._store.new_staging_path(), self._store.new_staging_path()
        try:
            answer = self._pool.call(
                "build_parts", self._order(plan, numbers, backbone_out, head_out)
            )
            value = {
                "backbone": self._store.commit_staged(backbone_out).digest,
                "head": self._store.commit_staged(head_out).digest,
                "state_digest": answer["state_digest"],
                "backbone_digest": answer["backbone_digest"],
                "report": _with_rules(answer["report"], numbers.rules),
            }
        finally:
            backbone_out.unlink(missing_ok=True)
            head_out.unlink(missing_ok=True)
        self._records.put(key, value)
        return self._state(value)

    def _order(
        self, plan: BuildPlan, numbers: Numbers, backbone_out: Path, head_out: Path
    ) -> dict[str, Any]:
        source = str(self._store.path(numbers.blob_digest)) if numbers.blob_digest else None
        return {
            "recipe": plan.recipe.to_json(),
            "source": source,
            "seed": _drawing_seed(plan.spec.seed, numbers.blob_digest),
            "allow_partial": plan.spec.allow_partial,
            "backbone_out": str(backbone_out),
            "head_out": str(head_out),
        }

    def _state(self, value: dict[str, Any]) -> StoredState:
        return StoredState(
            backbone=self._store.ensure_intact(value["backbone"]),
            head=self._store.ensure_intact(value["head"]),
            state_digest=value["state_digest"],
            backbone_digest=value["backbone_digest"],
            report=LoadReport.from_json(value["report"]),
        )


def _drawing_seed(seed: int, source_digest: str) -> int:
    """Return the seed of what is drawn beside a source.

    The source's digest is part of it: with the seed alone, a new head on a backbone that was
    trained here would be the very head that it learned with, and look trained from the start.
    """
    if not source_digest:
        return seed
    drawn = hashlib.sha256(f"{seed} {source_digest}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") >> 1  # torch takes 63 bits


def _with_rules(report: dict[str, Any], rules: tuple[str, ...]) -> dict[str, Any]:
    merged = LoadReport.from_json(report)
    return replace(merged, rules=(*rules, *merged.rules)).to_json()
