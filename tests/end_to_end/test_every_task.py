"""What a person types and sees, from the data to the page of a finished job, in every task."""

import re
from collections.abc import Callable

import pytest

from tests.end_to_end.conftest import Site
from vertebra.cli import main as cli_main

Typed = Callable[..., str]

SCENES = (
    *("--scenes", "--num-images", "24", "--scene-size", "48", "--size", "48"),
    *("--no-pretrained", "--epochs", "1", "--batch-size", "6"),
)
SMALL = ("--backbone", "shufflenet_v2_x0_5")

TASKS = {
    "classification": (
        (*SMALL, "--freeze", "last_blocks=2", "--norm", "recalibrate", "--allow-frozen-random"),
        "accuracy",
    ),
    "multilabel": ((*SMALL, "--multilabel"), "map"),
    "regression": ((*SMALL, "--task", "regression", "--loss", "mse"), "r2"),
    "segmentation": (
        ("--backbone", "resnet18", "--head", "fcn", "--loss", "bce_dice"),
        "iou",
    ),
    "detection": (("--backbone", "resnet18", "--head", "fcos"), "map"),
    "instance segmentation": (("--backbone", "resnet18", "--head", "mask_rcnn"), "mask_map"),
    "keypoints": (("--backbone", "resnet18", "--head", "keypoint_rcnn"), "keypoint_map"),
    "simclr": ((*SMALL, "--simclr", "--ignore-collapse"), "loss"),
}
"""A task as it is printed -> what asks for it, and the metric that judges it."""

NAMES = {"regression": "centre_x", "keypoints": "shape", "simclr": ""}
"""A line of the table of classes; `circle` elsewhere. SimCLR has no such table."""

SLOW = (
    "simclr",
    "regression",
    "detection",
    "instance segmentation",
    "keypoints",
    "classification",
    "multilabel",
)


@pytest.fixture
def typed(site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Return a function that runs a command that must succeed, and gives what it prints."""
    monkeypatch.setenv("VERTEBRA_CATALOG_ADDRESS", site.catalog.address)
    monkeypatch.setenv("VERTEBRA_TRAINER_ADDRESS", site.trainer.address)

    def run(*arguments: str) -> str:
        capsys.readouterr()
        code = cli_main.run(list(arguments))
        told = capsys.readouterr()
        assert code == 0, told.out + told.err
        return told.out

    return run


def facts_of(page: str) -> dict[str, str]:
    """Return the labelled lines of a page."""
    found = re.findall(r"^([a-z][a-z ]+?) {2,}(.+)$", page, flags=re.MULTILINE)
    return {label: value.strip() for label, value in found}


@pytest.mark.parametrize(
    "task",
    [pytest.param(one, marks=[pytest.mark.full] if one in SLOW else []) for one in TASKS],
)
def test_a_task_is_trained_watched_and_shown(typed: Typed, task: str) -> None:
    flags, metric = TASKS[task]

    told = typed("train", *flags, *SCENES, "--seed", "3")
    page = typed("jobs", "show")

    assert facts_of(told)["task"] == task
    assert facts_of(told)["judged by"].startswith(f"{metric}, ")
    assert re.search(rf"epoch 1/1 .*validation .*\b{metric} ", told)
    assert re.search(r"^images read: \d+ to train on, \d+ to validate on$", told, re.MULTILINE)
    assert "backbone.safetensors" in told and "curves.png" in told
    assert f"validation {metric} " in page
    assert re.search(rf"^{NAMES.get(task, 'circle')}", page, flags=re.MULTILINE)


def test_a_backbone_learned_without_labels_starts_a_segmentation_on_a_part_of_them(
    typed: Typed, site: Site
) -> None:
    """SimCLR -> checkpoint -> `--pretrained-model` with one word; a frozen one stays its parent."""
    typed("train", *SMALL, *SCENES, "--simclr", "--ignore-collapse", "--register-as", "views")
    rest = ("--scenes", "--num-images", "24", "--scene-size", "48", "--size", "48", "--steps", "2")

    told = typed(
        *("train", "--pretrained-model", "views", "--task", "segmentation", "--head", "lraspp"),
        *("--loss", "bce", "--data-ratio", "0.5", "--freeze", "frozen_backbone", *rest),
    )

    parent = site.catalog_client.get_checkpoint("views").backbone_digest
    assert facts_of(told)["loss"] == "bce"
    assert facts_of(told)["images"] == "6 to train, 12 to validate"
    assert facts_of(told)["backbone digest"] == parent.removeprefix("sha256:")[:12]


def test_more_and_more_of_a_backbone_trains(typed: Typed) -> None:
    """Phases are planned, announced and seen."""
    told = typed(
        *("train", *SMALL, "--no-pretrained", "--allow-frozen-random", "--digits", "--size", "32"),
        *("--data-ratio", "0.05", "--epochs", "3", "--norm", "recalibrate"),
        *("--freeze", "gradual=1:1,2:all"),
    )

    assert re.search(r"^2 +after 1 epoch ", told, flags=re.MULTILINE)
    assert re.search(r"^3 +after 2 epochs ", told, flags=re.MULTILINE)
    assert told.index("phase 2, ") < told.index("epoch 2/3") < told.index("phase 3, ")
