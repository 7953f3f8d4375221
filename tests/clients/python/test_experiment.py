"""A file, flags, or both: one TrainJobSpec, or one sentence about what is wrong."""

import json
import os
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.experiment import experiment, spec_options
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.wire_json import to_json

FILE = {
    "model": {"backbone": "resnet50", "pretrained": True, "freeze_backbone": False},
    "dataset": {"image_folder": {"path": "pets"}},
    "num_epochs": 5,
}


def spec_of(*arguments: str) -> jobs.TrainJobSpec:
    """Return the spec that a command line means."""
    found: list[jobs.TrainJobSpec] = []

    @click.command()
    @spec_options
    def command(**flags: Any) -> None:
        found.append(experiment(flags["file"], flags))

    CliRunner().invoke(command, list(arguments), standalone_mode=False, catch_exceptions=False)
    return found[0]


def written(folder: Path, content: Any) -> str:
    """Write an experiment file."""
    path = folder / "experiment.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_the_published_form_of_an_experiment_is_read(tmp_path: Path) -> None:
    spec = spec_of(written(tmp_path, FILE))

    assert spec.model.backbone == "resnet50"
    assert spec.model.HasField("pretrained") and spec.model.pretrained
    assert spec.model.HasField("freeze_backbone") and not spec.model.freeze_backbone
    assert spec.num_epochs == 5


def test_relative_paths_are_taken_from_the_files_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")

    spec = spec_of(written(tmp_path, FILE))

    assert spec.dataset.image_folder.path == str(tmp_path / "pets")


def test_relative_flags_are_taken_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    spec = spec_of("--backbone", "vgg11", "--data", "../pets", "--epochs", "1")

    assert spec.dataset.image_folder.path == os.path.normpath(tmp_path / ".." / "pets")


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    flags = ("--backbone", "resnet18", "--epochs", "2", "--freeze", "frozen_backbone")

    spec = spec_of(written(tmp_path, FILE), *flags, "--digits")

    assert spec.model.backbone == "resnet18"
    assert spec.num_epochs == 2
    assert spec.dataset.WhichOneof("source") == "bundled_digits"
    assert spec.freeze.WhichOneof("mode") == "frozen_backbone"
    assert not spec.model.HasField("freeze_backbone")


@pytest.mark.parametrize("typed", ["last_blocks=2", "last_blocks(2)"])
def test_a_freeze_mode_may_be_copied_from_what_the_services_print(typed: str) -> None:
    spec = spec_of("--backbone", "resnet18", "--digits", "--epochs", "1", "--freeze", typed)

    assert spec.freeze.last_blocks.num_blocks == 2


def test_the_seed_of_a_job_is_not_the_models() -> None:
    spec = spec_of("--backbone", "resnet18", "--digits", "--epochs", "1", "--seed", "7")

    assert (spec.seed, spec.model.seed) == (7, 0)


def test_every_flag_lands_in_its_field() -> None:
    spec = spec_of(
        *("--backbone", "resnet18", "--weights", "checkpoints/letters", "--data", "/pets"),
        *("--validation-data", "/pets-val", "--validation-ratio", "0.3", "--epochs", "3"),
        *("--freeze", "last_blocks=2", "--norm", "frozen_statistics", "--optimizer", "sgd"),
        *("--lr", "1e-2", "--weight-decay", "0", "--momentum", "0.5", "--batch-size", "64"),
        *("--image-size", "32x48", "--register-as", "pets", "--note", "ask me", "--augment"),
        *("shift_and_flip", "--seed", "7", "--name", "try 1", "--no-pretrained"),
        *("--allow-partial", "--allow-frozen-random", "--hidden", "64", "--dropout", "0.1"),
        *("--pooling", "gem", "--keep-known-classes", "--remove", "layer4", "--arg", "depth=2"),
    )

    assert to_json(spec) == {
        "display_name": "try 1",
        "model": {
            "backbone": "resnet18",
            "pretrained": False,
            "weights": "checkpoints/letters",
            "image_height_px": 32,
            "image_width_px": 48,
            "seed": "0",
            "allow_partial": True,
            "allow_frozen_random": True,
            "classification": {
                "class_names": [],
                "num_classes": 0,
                "multilabel": False,
                "hidden_units": [64],
                "dropout": 0.1,
                "pooling": "gem",
                "keep_known_classes": True,
            },
            "neck": "",
            "in_channels": 0,
            "stem_adaptation": "",
            "aux_heads": "",
            "remove_modules": ["layer4"],
            "arguments": {"depth": 2.0},
        },
        "freeze": {"last_blocks": {"num_blocks": 2}, "norm": "NORM_POLICY_FROZEN_STATISTICS"},
        "dataset": {
            "image_folder": {"path": "/pets", "validation_path": "/pets-val"},
            "validation_ratio": 0.3,
            "split_seed": "0",
        },
        "optimizer": {
            "algorithm": "ALGORITHM_SGD",
            "lr": 0.01,
            "weight_decay": 0.0,
            "momentum": 0.5,
        },
        "num_epochs": 3,
        "batch_size": 64,
        "seed": "7",
        "augmentation": "AUGMENTATION_SHIFT_AND_FLIP",
        "export": {"register_as": "pets", "note": "ask me"},
    }


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"num_epoch": 1}, "unknown field 'num_epoch'; did you mean 'num_epochs'?"),
        ({"model": {"backbon": "x"}}, "'model.backbon'; did you mean 'backbone'?"),
        (
            {"dataset": {"image_folder": {"pfad": "x"}}},
            "'dataset.image_folder.pfad'; did you mean 'path'?",
        ),
        ({"num_epochs": "many"}, "num_epochs"),
        ({"freeze": {"full": {}, "scratch": {}}}, "oneof|already"),
        ({"augmentation": "WILD"}, "augmentation"),
    ],
)
def test_a_wrong_field_is_named_with_the_nearest_right_one(
    tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(CliFailed, match=complaint) as caught:
        spec_of(written(tmp_path, {**FILE, **change}))

    assert "experiment.json" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("content", ["{", "[1, 2]", "3", ""])
def test_what_is_no_experiment_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(CliFailed, match=r"not JSON|expected an object"):
        spec_of(written(tmp_path, content))


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ((), "--backbone, --data or --digits, --epochs"),
        (("--digits", "--data", "x"), "two data sets"),
        (("--digits", "--freeze", "half"), "expected full, frozen_backbone"),
        (("--digits", "--freeze", "last_blocks"), "last_blocks=N"),
        (("--digits", "--freeze", "last_blocks=0"), "at least 1"),
        (("--digits", "--freeze", "full=2"), "expected full"),
        (("--digits", "--image-size", "0"), "such as 224"),
        (("--digits", "--image-size", "1x2x3"), "such as 224"),
    ],
)
def test_wrong_flags_say_what_would_be_right(flags: tuple[str, ...], complaint: str) -> None:
    enough = ("--backbone", "resnet18", "--epochs", "1") if flags else ()

    with pytest.raises(click.UsageError, match=complaint):
        spec_of(*enough, *flags)
