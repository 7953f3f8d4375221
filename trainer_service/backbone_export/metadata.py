"""What a reader of the files needs to use them and to know where they come from, as JSON."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from catalog_service.models.plain_json import to_plain
from trainer_service.backbone_export.certificate import certificate
from trainer_service.backbone_export.facts import ExportFacts
from trainer_service.jobs.lineage import export_lineage

FORMAT = "vertebra-export/1"

LIBRARIES = ("torch", "torchvision", "transformers", "safetensors", "numpy", "pillow", "vertebra")
"""Whose releases an export names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """What the exported files are known by."""

    backbone_file: str
    """Of its bytes; the others are of what they mean."""
    backbone: str
    state: str
    still: Mapping[str, str]
    """Of the tensors that no phase may move: name -> sha256 in hex."""


def metadata(facts: ExportFacts, digests: Digests) -> dict[str, Any]:
    """Return the document; numbers that are not finite are null, so that any reader takes it."""
    document = _about_the_model(facts, digests) | _about_the_training(facts, digests)
    whole: dict[str, Any] = finite(document)
    return whole


def _about_the_model(facts: ExportFacts, digests: Digests) -> dict[str, Any]:
    order, plan = facts.order, facts.plan
    return {
        "format": FORMAT,
        "architecture": order.model.recipe.architecture_id,
        "backbone_architecture": order.model.layout.backbone_architecture,
        "class_names": list(plan.output.class_names),
        "input": to_plain(plan.input),
        "output": to_plain(plan.output),
        "recipe": to_plain(order.model.recipe),
        "digests": {
            "backbone": digests.backbone,
            "state": digests.state,
            "layout": order.model.layout.layout_digest,
            "parent_backbone": order.model.backbone_digest,
            "parent_state": order.model.state_digest,
            "plan": digest_of(to_plain(plan)),
        },
        "frozen": certificate(digests.still),
    }


def _about_the_training(facts: ExportFacts, digests: Digests) -> dict[str, Any]:
    order, plan = facts.order, facts.plan
    lineage = export_lineage(
        order.job_id,
        order.spec,
        order.model,
        plan=plan,
        epoch=facts.epoch,
        source_digest=digests.backbone_file,
    )
    return {
        "lineage": to_plain(lineage),
        "task": plan.task,
        "plan": to_plain(plan),
        "spec": to_plain(order.spec),
        "data": {
            "fingerprint": facts.fingerprint,
            "num_train_images": plan.num_train_images,
            "num_validation_images": plan.num_validation_images,
            "num_images_per_class": list(plan.num_images_per_class),
            "report": to_plain(facts.report),
        },
        "exported_state": order.spec.export.state,
        "epoch": facts.epoch,
        "metrics": dict(facts.metrics),
        "evaluation": to_plain(facts.evaluation),
        "samples": {path.name: to_plain(sample) for path, sample in facts.samples.items()},
        "job": {"job_id": order.job_id, "attempt": order.attempt},
        "libraries": {name: release_of(name) for name in LIBRARIES},
    }


def digest_of(plain: object) -> str:
    """Return `sha256:...` over a document's JSON, key order aside."""
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def finite(plain: Any) -> Any:
    """Return a document whose every number JSON knows: NaN and infinity become null."""
    if isinstance(plain, dict):
        return {name: finite(each) for name, each in plain.items()}
    if isinstance(plain, list):
        return [finite(each) for each in plain]
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


def release_of(library: str) -> str:
    """Return the installed release, or `source` where it runs from a checkout."""
    try:
        return version(library)
    except PackageNotFoundError:
        return "source"
