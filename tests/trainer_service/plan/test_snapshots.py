"""What a plan says of snapshots: about as large as they are, as often as they may be."""

from pathlib import Path
from typing import Any

import pytest

from catalog_service.models.freeze_plan import FreezeMode, UnfreezeStep
from tests.fakes.interruptions import interrupted, prepared
from tests.fakes.trainings import job_spec, make_training
from trainer_service.jobs import ExportSpec, JobSpec, OptimizerSpec, RunSpec, SnapshotPlan


def spec_of(architecture_id: str = "shufflenet_v2_x0_5", **fields: Any) -> JobSpec:
    """Return a spec of two epochs."""
    return job_spec(architecture_id, num_epochs=2, **fields)


SPECS = {
    "adamw": spec_of(),
    "sgd": spec_of(optimizer=OptimizerSpec(algorithm="sgd", lr=0.01)),
    "momentum": spec_of(optimizer=OptimizerSpec(algorithm="sgd", lr=0.01, momentum=0.9)),
    "lars": spec_of(optimizer=OptimizerSpec(algorithm="lars", lr=0.1, momentum=0.9)),
    "frozen": spec_of(freeze=FreezeMode(kind="frozen_backbone")),
    "best": spec_of(export=ExportSpec(state="best")),
    "gradual": spec_of(
        freeze=FreezeMode(kind="gradual", steps=(UnfreezeStep(after_epochs=1, num_blocks=1),)),
    ),
}


def plan_of(spec: JobSpec) -> SnapshotPlan:
    """Return the plan of its snapshots."""
    return make_training(spec)[0].plan.snapshots


@pytest.mark.parametrize("name", SPECS)
def test_snapshots_are_as_large_as_planned(tmp_path: Path, name: str) -> None:
    """Names, seals and random numbers come on top."""
    interrupted(prepared(SPECS[name]), tmp_path, (3,))

    (folder,) = tmp_path.iterdir()
    size_bytes = sum(path.stat().st_size for path in folder.iterdir())
    assert 0 < size_bytes - plan_of(SPECS[name]).size_bytes < 200_000


def test_saving_takes_two_percent_at_most_and_a_minute_of_work_is_lost() -> None:
    plan = plan_of(SPECS["adamw"])

    assert plan.interval_s >= 50 * plan.save_s
    assert plan.possible_loss_s == plan.interval_s + plan.save_s <= 120


def test_saves_that_take_long_are_fewer_and_the_plan_says_what_may_be_lost() -> None:
    """resnet18 with AdamW is three times 45 MB."""
    plan = plan_of(spec_of("resnet18"))

    assert 130e6 < plan.size_bytes < 140e6
    assert plan.save_s > 1.2
    assert plan.interval_s == pytest.approx(50 * plan.save_s)
    assert plan.possible_loss_s > plan_of(SPECS["frozen"]).possible_loss_s


def test_an_interval_that_is_asked_for_is_planned() -> None:
    spec = spec_of(run=RunSpec(snapshot_interval_s=7.0))

    plan = plan_of(spec)

    assert plan.interval_s == 7.0
    assert plan.possible_loss_s == 7.0 + plan.save_s
