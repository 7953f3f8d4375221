"""A training put back to where it was saved, and what of it a snapshot holds.

What the plan freezes is not in a snapshot: it comes with the order, by digest. The seal that the
snapshot has tells that both are the same.
"""

import hashlib
import json
from collections.abc import Mapping

import torch
from torch import Tensor

from catalog_service.errors import listed
from catalog_service.models.freeze_plan import batch_norms
from catalog_service.models.plain_json import to_plain
from trainer_service.errors import SnapshotMisfit
from trainer_service.freezing import NORM_STATISTICS, Seal, freeze, moving_tensors
from trainer_service.jobs import TrainPlan
from trainer_service.snapshots.saved_state import (
    AUXILIARY,
    MODEL,
    Progress,
    SavedState,
    Tensors,
)
from trainer_service.train.phases import phases_of
from trainer_service.train.training import Training

RESUMED_ALIKE = ("task", "num_steps", "num_steps_per_epoch", "optimizer")
"""Of a plan, besides its phases. Where and how fast it runs may change."""


def plan_digest(plan: TrainPlan) -> str:
    """Return the digest of what a training must have in common to go on from another's state."""
    told = {name: to_plain(getattr(plan, name)) for name in RESUMED_ALIKE}
    told["phases"] = to_plain(phases_of(plan))
    return f"sha256:{hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()}"


def moved_state(training: Training, phase: int) -> Tensors:
    """Return what of the model is no longer what was ordered, up to this phase."""
    layout, phases = training.layout, phases_of(training.plan)
    names = {name for each in phases[:phase] for name in moving_tensors(layout, each.freeze)}
    if training.plan.freeze.norm == "recalibrate":
        names |= {f"{path}.{what}" for path in batch_norms(layout) for what in NORM_STATISTICS}
    return {name: each for name, each in training.model.state_dict().items() if name in names}


def auxiliary_state(training: Training) -> Tensors:
    """Return what trains besides the model."""
    return {} if training.auxiliary is None else training.auxiliary.state_dict()


def random_state(device: torch.device) -> Tensors:
    """Return where the random numbers are, by kind of device."""
    states = {"cpu": torch.get_rng_state()}
    return states if device.type == "cpu" else {**states, "cuda": torch.cuda.get_rng_state(device)}


def set_random_state(device: torch.device, states: Tensors) -> None:
    """Let the random numbers be where they were; those of another kind of device are left out."""
    torch.set_rng_state(states["cpu"].clone())
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"].clone(), device)


def put_back(training: Training, saved: SavedState) -> Seal:
    """Let the model be what it was, frozen as in its phase; return the seal of what stands still.

    Raises:
        SnapshotMisfit: it is the snapshot of another training.
    """
    progress = saved.progress
    require_fit(training.plan, progress)
    phase = phases_of(training.plan)[progress.phase - 1]
    freeze(training.model, training.layout, phase.freeze)
    copy_tensors(moved_state(training, progress.phase), saved.tensors.get(MODEL, {}))
    copy_tensors(auxiliary_state(training), saved.tensors.get(AUXILIARY, {}))
    seal = Seal(training.model, moving_tensors(training.layout, phase.freeze))
    _require_sealed(seal, progress)
    return seal


def require_fit(plan: TrainPlan, progress: Progress) -> None:
    """Raise SnapshotMisfit if a training with this plan cannot go on from there."""
    if plan_digest(plan) != progress.plan_digest:
        raise SnapshotMisfit(
            f"the snapshot of step {progress.step} is of another plan: phases, optimizer or steps"
            f" ({plan.num_steps} now, {plan.num_steps_per_epoch} an epoch) are not what they were."
            " If the data changed, put it back; or create the job anew"
        )


@torch.no_grad()
def copy_tensors(into: Tensors, saved: Tensors) -> None:
    """Write numbers into tensors, which stay where they are in memory.

    Raises:
        SnapshotMisfit: a name is missing or too many, or a shape or dtype is another.
    """
    if wrong := sorted(into.keys() ^ saved.keys()):
        raise SnapshotMisfit(f"the snapshot has other tensors than the model: {listed(wrong)}")
    wrong = [name for name in into if not _are_alike(into[name], saved[name])]
    if wrong:
        raise SnapshotMisfit(f"the snapshot's tensors have other shapes: {listed(wrong)}")
    for name, tensor in into.items():
        tensor.copy_(saved[name])


def _are_alike(first: Tensor, second: Tensor) -> bool:
    return first.shape == second.shape and first.dtype == second.dtype


def _require_sealed(seal: Seal, progress: Progress) -> None:
    now: Mapping[str, str] = seal.digests
    names = now.keys() | progress.sealed.keys()
    changed = sorted(name for name in names if now.get(name) != progress.sealed.get(name))
    if changed:
        raise SnapshotMisfit(
            f"{len(changed)} tensors that stand still are not what they were when the snapshot of"
            f" step {progress.step} was taken: {listed(changed)}; the job would not go on from the"
            " model that it began with"
        )
