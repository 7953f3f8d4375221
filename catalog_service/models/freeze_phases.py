"""The phases of a training: what trains from when on. One phase for every mode but `gradual`."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from catalog_service.errors import InvalidRequest
from catalog_service.models.freeze_mode import FreezeMode, UnfreezeStep
from catalog_service.models.freeze_plan import FreezePlan, freeze_plan
from catalog_service.models.layout import StateLayout

CLOCKS = ("after_epochs", "after_steps", "after_plateau_epochs")
"""Fields of a step that say when; exactly one is set."""

FEWEST_EPOCHS = 3
"""For the usual steps: one for the head, one for the last stage, one for everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezePhase:
    """A part of the training in which the same parameters train."""

    step: UnfreezeStep | None
    """None for the first phase."""

    plan: FreezePlan


def freeze_phases(
    layout: StateLayout, mode: FreezeMode, norm: str, num_epochs: int
) -> tuple[FreezePhase, ...]:
    """Return what trains from when on; at least one phase.

    Args:
        norm: empty means the mode's usual one.
        num_epochs: of the whole training.

    Raises:
        InvalidRequest: as `freeze_plan`; or steps that are out of order, let nothing new train, or
            never come.
    """
    first = FreezePhase(step=None, plan=freeze_plan(layout, mode, norm))
    if mode.kind != "gradual":
        return (first,)
    check_steps(mode, num_epochs)
    steps = mode.steps or usual_steps(num_epochs)
    phases = [first]
    for number, step in enumerate(steps, start=1):
        plan = replace(freeze_plan(layout, _mode_of(step), first.plan.norm), mode=str(mode))
        if not set(phases[-1].plan.trainable) < set(plan.trainable):
            raise InvalidRequest(
                f"gradual.steps[{number - 1}]: num_blocks {step.num_blocks} lets nothing new"
                " train; each step takes more stages than the one before, 0 takes everything"
            )
        phases.append(FreezePhase(step=step, plan=plan))
    return tuple(phases)


def usual_steps(num_epochs: int) -> tuple[UnfreezeStep, ...]:
    """Return the steps of a gradual mode that names none.

    Raises:
        InvalidRequest: there are fewer epochs than phases.
    """
    if num_epochs < FEWEST_EPOCHS:
        raise InvalidRequest(
            f"gradual has {FEWEST_EPOCHS} phases and the training {num_epochs} epochs: train"
            f" {FEWEST_EPOCHS} or more, or name steps by after_steps"
        )
    return (
        UnfreezeStep(after_epochs=num_epochs // 3, num_blocks=1),
        UnfreezeStep(after_epochs=2 * num_epochs // 3, num_blocks=0),
    )


def check_steps(mode: FreezeMode, num_epochs: int) -> None:
    """Raise `InvalidRequest` where a step has no time, a wrong one, or comes too late."""
    found = [
        f"gradual.steps[{at}]: {problem}"
        for at, step in enumerate(mode.steps)
        for problem in step_problems(step)
    ]
    found += _disorder(mode.steps)
    late = [step.after_epochs for step in mode.steps if step.after_epochs >= num_epochs > 0]
    found += [f"gradual: after_epochs {at} of {num_epochs} epochs never comes" for at in late]
    if found:
        raise InvalidRequest("; ".join(found))


def step_problems(step: UnfreezeStep) -> Iterator[str]:
    """Yield what is wrong with one step, whatever the model is."""
    given = [name for name in CLOCKS if getattr(step, name)]
    if len(given) != 1:
        yield f"one of {', '.join(CLOCKS)} is needed, {len(given)} are given"
    yield from (
        f"{name} {getattr(step, name)} is negative" for name in given if getattr(step, name) < 0
    )
    if step.num_blocks < 0:
        yield f"num_blocks {step.num_blocks} is negative"
    if not 0 < step.lr_scale <= 1000:
        yield f"lr_scale {step.lr_scale} is not between 0 and 1000"


def _disorder(steps: tuple[UnfreezeStep, ...]) -> list[str]:
    """Return what is wrong with the order of steps that share a clock."""
    found = []
    for clock in ("after_epochs", "after_steps"):
        times = [getattr(step, clock) for step in steps if getattr(step, clock)]
        if any(after <= before for before, after in pairwise(times)):
            found.append(f"gradual: {clock} {', '.join(map(str, times))} do not grow")
    return found


def _mode_of(step: UnfreezeStep) -> FreezeMode:
    if step.num_blocks == 0:
        return FreezeMode()
    return FreezeMode(kind="last_blocks", num_blocks=step.num_blocks)
