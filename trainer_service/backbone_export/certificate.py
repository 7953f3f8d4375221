"""The certificate of what stood still: every tensor that the plan freezes, and its digest.

It is made from the exported file and compared with the file that the job started from. Between the
two lies everything that could have gone wrong: freezing, the loop, the choice of the best epoch,
the export itself.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from catalog_service.blobs.state_digest import TensorDigest, tensor_digests
from catalog_service.errors import listed
from catalog_service.models.freeze_plan import batch_norms
from trainer_service.backbone_export.facts import ExportFacts
from trainer_service.errors import FrozenStateChanged
from trainer_service.freezing import NORM_STATISTICS, moving_tensors
from trainer_service.jobs import JobModel, TrainPlan


def still_tensors(facts: ExportFacts, exported: list[TensorDigest]) -> Mapping[str, str]:
    """Return sha256 in hex of every exported tensor that no phase of the plan may move.

    Args:
        exported: of the whole model, under its own names.

    Raises:
        FrozenStateChanged: one of them is not its parent's, with names.
    """
    model = facts.order.model
    may_move = _may_move(model, facts.plan)
    still = {each.name: each.sha256 for each in exported if each.name not in may_move}
    parents = _parents(model)
    if changed := [name for name in still if still[name] != parents[name]]:
        raise FrozenStateChanged(
            f"{len(changed)} of {len(still)} frozen tensors in the export are not those that the"
            f" job started from: {listed(changed)}"
        )
    return still


def certificate(still: Mapping[str, str]) -> dict[str, object]:
    """Return the digests as JSON; `digest` is over the sorted lines `name sha256`."""
    lines = "".join(f"{name} {still[name]}\n" for name in sorted(still))
    return {
        "num_tensors": len(still),
        "digest": f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}",
        "tensors": dict(still),
    }


def _may_move(model: JobModel, plan: TrainPlan) -> set[str]:
    """Return what some phase trains, and the statistics that the one pass before it may set."""
    freezes = [phase.freeze for phase in plan.phases] or [plan.freeze]
    names = {name for each in freezes for name in moving_tensors(model.layout, each)}
    if plan.freeze.norm == "recalibrate":
        names |= {
            f"{path}.{statistic}"
            for path in batch_norms(model.layout)
            for statistic in NORM_STATISTICS
        }
    return names


def _parents(model: JobModel) -> Mapping[str, str]:
    backbone = tensor_digests(Path(model.backbone_path))
    inside = [replace(each, name=model.layout.model_name(each.name)) for each in backbone]
    return {each.name: each.sha256 for each in inside + tensor_digests(Path(model.head_path))}
