"""The table and the picture say what the jobs measured, whatever its sign."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from tests.fakes.fake_trainer import FakeTrainer
from vertebra.demo import simclr_jobs
from vertebra.demo.outcome import Outcome
from vertebra.demo.simclr_run import (
    DATA_RATIOS,
    FROZEN,
    FULL,
    NONE,
    Row,
    SimClrOutcomes,
    queue_rows,
    report_simclr,
)
from vertebra.trainer.v1 import train_job_pb2 as wire
from vertebra.trainer_client import TrainerClient
from vertebra.wire_json import to_message

IOU = {
    (NONE, 0.1): 0.30,
    (FROZEN, 0.1): 0.25,
    (FULL, 0.1): 0.42,
    (NONE, 0.8): 0.50,
    (FROZEN, 0.8): 0.36,
    (FULL, 0.8): 0.50,
}


def outcome(**last: float) -> Outcome:
    """Return what a job of two epochs left."""
    first = dict.fromkeys(last, 0.01)
    return Outcome(job=wire.TrainJob(), export=wire.Export(), validations={0: first, 2: last})


def outcomes() -> SimClrOutcomes:
    """Return made-up rows, of which two got worse and one stayed."""
    rows = tuple(
        Row(pretrained=name, data_ratio=ratio, outcome=outcome(iou=iou, f1=iou + 0.1))
        for (name, ratio), iou in IOU.items()
    )
    return SimClrOutcomes(pretrained=outcome(loss=3.0), rows=rows)


def test_the_table_says_better_and_worse_against_the_same_share_of_labels(tmp_path: Path) -> None:
    console = Console(record=True, width=100, quiet=False)

    report_simclr(outcomes(), tmp_path / "simclr.png", console)

    lines = [line for line in console.export_text().splitlines() if "%" in line and "│" in line]
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines]
    assert cells == [
        [NONE, "10%", "0.300", "0.400", "-"],
        [FROZEN, "10%", "0.250", "0.350", "-5.0 points of IoU"],
        [FULL, "10%", "0.420", "0.520", "+12.0 points of IoU"],
        [NONE, "80%", "0.500", "0.600", "-"],
        [FROZEN, "80%", "0.360", "0.460", "-14.0 points of IoU"],
        [FULL, "80%", "0.500", "0.600", "+0.0 points of IoU"],
    ]


def test_the_picture_has_a_panel_for_the_pretraining_and_one_per_share(tmp_path: Path) -> None:
    report_simclr(outcomes(), tmp_path / "simclr.png", Console(quiet=True))

    with Image.open(tmp_path / "simclr.png") as picture:
        assert picture.size == (1300, 500)


@pytest.mark.parametrize("data_ratio", DATA_RATIOS)
def test_rows_differ_in_nothing_but_where_they_start_and_what_trains(data_ratio: float) -> None:
    """Otherwise the table would compare something else."""
    rows = [
        simclr_jobs.from_nothing(1, data_ratio),
        simclr_jobs.from_backbone(1, data_ratio, "checkpoints/a", frozen=True),
        simclr_jobs.from_backbone(1, data_ratio, "checkpoints/a", frozen=False),
    ]

    for row in rows:
        for key in ("display_name", "freeze"):
            row.pop(key)
        for key in ("pretrained", "weights", "remove_modules"):
            row["model"].pop(key, None)
    assert rows[0] == rows[1] == rows[2]


def test_rows_are_queued_together_and_known_by_start_and_share(
    trainer_client: TrainerClient, trainer: FakeTrainer
) -> None:
    """The trainer runs several at once; which job is which row must not depend on their order."""
    jobs = queue_rows(trainer_client, 3, {NONE: simclr_jobs.from_nothing})

    assert list(jobs) == [(NONE, 0.1), (NONE, 0.8)]
    for (_, data_ratio), job in jobs.items():
        assert trainer.kept[job.job_id].spec.dataset.data_ratio == data_ratio
        assert trainer.kept[job.job_id].spec.seed == 3


@pytest.mark.parametrize(("data_ratio", "num_epochs"), [(0.1, 8), (0.8, 1), (0.05, 12), (1.0, 1)])
def test_rows_are_validated_after_as_many_steps(data_ratio: float, num_epochs: int) -> None:
    """24 or fewer, but at least an epoch: 480 scenes, 16 a step."""
    assert simclr_jobs.from_nothing(1, data_ratio)["validation_every_epochs"] == num_epochs


@pytest.mark.parametrize("make", [simclr_jobs.from_nothing, simclr_jobs.frozen_random])
def test_random_backbones_have_the_structure_of_the_registered_one(
    make: Callable[[int, float], simclr_jobs.Experiment],
) -> None:
    learned = simclr_jobs.pretraining(1, "a")["model"]["remove_modules"]

    assert make(1, 0.1)["model"]["remove_modules"] == learned


@pytest.mark.parametrize(
    "spec",
    [
        simclr_jobs.pretraining(1, "a"),
        simclr_jobs.from_nothing(1, 0.1),
        simclr_jobs.from_backbone(1, 0.8, "checkpoints/a", frozen=True),
        simclr_jobs.frozen_random(1, 0.1),
    ],
    ids=lambda spec: spec["display_name"],
)
def test_every_job_is_an_experiment_of_the_contract(spec: simclr_jobs.Experiment) -> None:
    assert to_message(spec, wire.TrainJobSpec).display_name == spec["display_name"]
