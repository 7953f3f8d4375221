"""Advice as a person reads it, and the command that follows it."""

import json

import pytest

from tests.clients.python.cli.conftest import Terminal, told
from tests.clients.python.conftest import Shell
from tests.fakes.fake_catalog import FakeCatalog
from tests.fakes.fake_trainer import FakeTrainer
from tests.fakes.model_answers import advised
from vertebra.catalog.v1 import model_service_pb2 as wire
from vertebra.cli.models_advise import print_advice


def test_every_option_lands_in_its_field(shell: Shell, with_catalog: FakeCatalog) -> None:
    options = (
        *("--task", "detection", "--images", "80", "--classes", "3", "--likeness", "different"),
        *("--memory", "8GB", "--licence", "unknown", "--licence", "MIT", "--batch", "16"),
        *("--architecture", "resnet18", "--max-parameters", "30M", "--max-gflops", "4.5"),
        *("--candidates", "2", "--cached"),
    )

    code, _, _ = shell("models", "advise", *options)

    assert code == 0
    assert with_catalog.asked[0] == wire.AdviseTransferRequest(
        task="detection",
        num_images=80,
        num_classes=3,
        likeness="different",
        architectures=["resnet18"],
        max_memory_bytes=8_000_000_000,
        batch_size=16,
        licences=["unknown", "MIT"],
        max_parameters=30_000_000,
        max_gflops=4.5,
        max_candidates=2,
        cached_only=True,
    )


@pytest.mark.parametrize("width", [80, 120])
def test_advice_has_its_reasons_and_what_to_type(terminal: Terminal, width: int) -> None:
    page = terminal(width)

    print_advice(page, advised(wire.AdviseTransferRequest(num_images=80)), is_trained=True)

    text = " ".join(told(page))
    assert "80 images are fewer than 100: train the head alone" in text
    assert "memory above 8.0 GB: 3 weights" in text
    assert (
        "next: vertebra train --backbone resnet18"
        " --weights torchvision/ResNet18_Weights.IMAGENET1K_V1 --data FOLDER"
        " --freeze frozen_backbone --lr 0.001 --epochs 20 --augment shift_and_flip"
    ) in text


def test_what_the_trainer_cannot_train_has_no_command(terminal: Terminal) -> None:
    page = terminal(120)

    print_advice(page, advised(wire.AdviseTransferRequest()), is_trained=False)

    assert not any("vertebra train" in line for line in told(page))


def test_the_mode_is_the_candidates_own_and_spelt_for_the_trainer(terminal: Terminal) -> None:
    page, answer = terminal(300), advised(wire.AdviseTransferRequest())
    answer.advice.freeze_mode, answer.candidates[0].freeze_mode = "full", "last_blocks(2)"
    answer.advice.backbone_lr, answer.advice.augmentation = 1e-4, "none"

    print_advice(page, answer, is_trained=True)

    assert told(page)[-1].endswith("--freeze last_blocks=2 --lr 0.0001 --epochs 20")


def test_the_command_is_one_that_the_trainer_takes(
    shell: Shell, with_catalog: FakeCatalog, with_trainer: FakeTrainer, terminal: Terminal
) -> None:
    """All of its flags are there, with words that they know."""
    page = terminal(300)
    print_advice(page, advised(wire.AdviseTransferRequest()), is_trained=True)
    command = told(page)[-1].removeprefix("next: vertebra train ")

    code, _, _ = shell("jobs", "plan", *command.split())

    assert code == 0
    assert with_trainer.specs[0].freeze.WhichOneof("mode") == "frozen_backbone"


def test_nothing_left_says_why(terminal: Terminal) -> None:
    page, answer = terminal(80), advised(wire.AdviseTransferRequest())
    del answer.candidates[:]

    print_advice(page, answer, is_trained=True)

    assert told(page)[-2:] == [
        "no published weights are left",
        "memory above 8.0 GB: 3 weights",
    ]


def test_what_is_so_for_all_candidates_is_said_once(terminal: Terminal) -> None:
    page, answer = terminal(120), advised(wire.AdviseTransferRequest())
    answer.candidates.add(architecture="vgg11", reasons=["fits 8 GB", "is old"])

    print_advice(page, answer, is_trained=True)

    text = "\n".join(told(page))
    assert text.count("fits 8 GB") == 1
    assert "is old" in text


def test_a_long_licence_is_named_by_its_owner(terminal: Terminal) -> None:
    page, answer = terminal(80), advised(wire.AdviseTransferRequest())
    answer.candidates[0].licence = "https://github.com/facebookresearch/SWAG/blob/main/LICENSE"

    print_advice(page, answer, is_trained=True)

    assert any("facebookresearch/SWAG" in line for line in told(page))
    assert not any("…" in line for line in told(page))


def test_advice_is_json_of_the_contract(shell: Shell, with_catalog: FakeCatalog) -> None:
    _, out, _ = shell("models", "advise", "--images", "80", "--json")

    assert json.loads(out)["advice"]["freeze_mode"] == "frozen_backbone"


def test_memory_that_is_none_is_refused(shell: Shell) -> None:
    code, _, err = shell("models", "advise", "--images", "80", "--memory", "much")

    assert code == 2
    assert "'much' is not a size such as 8GB" in err


def test_a_refused_number_is_called_by_its_option(shell: Shell, with_catalog: FakeCatalog) -> None:
    with_catalog.violations = [("num_images", "-1 is negative")]

    code, _, err = shell("models", "advise", "--images", "80")

    assert (code, err) == (2, "error: --images: -1 is negative\n")
