"""How long a job trains: epochs, steps, warm-up and phases that fit into them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog_service.errors import InvalidRequest
from catalog_service.models.freeze_phases import FreezePhase, freeze_phases
from catalog_service.models.layout import StateLayout
from trainer_service.jobs import JobSpec
from trainer_service.plan.epoch_steps import num_steps_per_epoch
from trainer_service.plan.refusal import refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The length of a training and what trains when."""

    phases: tuple[FreezePhase, ...]
    num_epochs: int
    """The last one may end early, where the spec counts steps."""
    num_steps_per_epoch: int
    num_steps: int
    warmup_steps: int


def course_of(spec: JobSpec, layout: StateLayout, num_images: int) -> Course:
    """Return how long `spec` trains on so many images.

    Raises:
        InvalidRequest: as `freeze_phases` and `num_steps_per_epoch`; or a phase or the warm-up does
            not end before the training does.
    """
    roughly = spec.num_epochs or -(-spec.num_steps // -(-num_images // spec.batch_size))
    try:
        phases = freeze_phases(layout, spec.freeze, spec.norm, roughly)
    except InvalidRequest as error:
        raise refused("freeze", error.message) from error
    per_epoch = num_steps_per_epoch(
        num_images,
        spec.batch_size,
        layout,
        *(phase.plan for phase in phases),
        pairs=spec.simclr is not None,
        num_ranks=spec.run.num_devices,
    )
    num_steps = spec.num_steps or spec.num_epochs * per_epoch
    _check_phases(phases, num_steps)
    return Course(
        phases=phases,
        num_epochs=spec.num_epochs or -(-spec.num_steps // per_epoch),
        num_steps_per_epoch=per_epoch,
        num_steps=num_steps,
        warmup_steps=_warmup_steps(spec, per_epoch, num_steps),
    )


def _warmup_steps(spec: JobSpec, per_epoch: int, num_steps: int) -> int:
    steps = spec.schedule.warmup_steps or round(spec.schedule.warmup_epochs * per_epoch)
    if steps >= num_steps and steps:
        why = (
            f"a warm-up of {steps} steps does not end within the {num_steps} steps of the training"
            f" ({per_epoch} an epoch)"
        )
        field = "warmup_steps" if spec.schedule.warmup_steps else "warmup_epochs"
        raise refused(f"schedule.{field}", why)
    return steps


def _check_phases(phases: Sequence[FreezePhase], num_steps: int) -> None:
    for phase in phases:
        if phase.step and phase.step.after_steps >= num_steps:
            why = f"after_steps {phase.step.after_steps} of {num_steps} steps never comes"
            raise refused("freeze.gradual", why)
