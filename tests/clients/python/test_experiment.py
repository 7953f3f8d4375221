"""A file, flags, or both: one TrainJobSpec, or one sentence about what is wrong."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.experiment import OPTION_OF_FIELD, experiment, spec_options
from vertebra.cli.model_options import option_of
from vertebra.cli.run_flags import label_filter
from vertebra.trainer.v1 import learning_pb2 as learning
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer.v1 import train_run_pb2 as runs
from vertebra.wire_json import to_message

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


SET = {
    "--backbone": ("vgg11", "model.backbone", "vgg11"),
    "--weights": ("checkpoints/letters", "model.weights", "checkpoints/letters"),
    "--no-pretrained": (None, "model.pretrained", False),
    "--model-seed": ("5", "model.seed", 5),
    "--allow-partial": (None, "model.allow_partial", True),
    "--allow-frozen-random": (None, "model.allow_frozen_random", True),
    "--size": ("32x48", "model.image_width_px", 48),
    "--classes": ("cat,dog", "model.classification.class_names", ["cat", "dog"]),
    "--num-classes": ("3", "model.classification.num_classes", 3),
    "--multilabel": (None, "model.classification.multilabel", True),
    "--hidden": ("64,32", "model.classification.hidden_units", [64, 32]),
    "--dropout": ("0.1", "model.classification.dropout", 0.1),
    "--pooling": ("gem", "model.classification.pooling", "gem"),
    "--keep-known-classes": (None, "model.classification.keep_known_classes", True),
    "--targets": ("area,age", "model.regression.target_names", ["area", "age"]),
    "--num-targets": ("2", "model.regression.num_targets", 2),
    "--keypoints": ("nose,tail", "model.keypoints.keypoint_names", ["nose", "tail"]),
    "--num-keypoints": ("2", "model.keypoints.num_keypoints", 2),
    "--head": ("fcos", "model.detection.head", "fcos"),
    "--features": ("pooled", "model.features.output", "pooled"),
    "--neck": ("fpn", "model.neck", "fpn"),
    "--channels": ("4", "model.in_channels", 4),
    "--stem": ("average", "model.stem_adaptation", "average"),
    "--aux": ("drop", "model.aux_heads", "drop"),
    "--remove": ("layer4", "model.remove_modules", ["layer4"]),
    "--arg": ("depth=2", "model.arguments.fields", {"depth": 2.0}),
    "--validation-ratio": ("0.3", "dataset.validation_ratio", 0.3),
    "--split-seed": ("3", "dataset.split_seed", 3),
    "--data-ratio": ("0.8", "dataset.data_ratio", 0.8),
    "--max-unusable-ratio": ("0.01", "dataset.max_unusable_ratio", 0.01),
    "--norm": ("frozen_statistics", "freeze.norm", jobs.NORM_POLICY_FROZEN_STATISTICS),
    "--epochs": ("3", "num_epochs", 3),
    "--steps": ("30", "num_steps", 30),
    "--validate-every": ("5", "validation_every_epochs", 5),
    "--batch-size": ("64", "batch_size", 64),
    "--micro-batch-size": ("16", "micro_batch_size", 16),
    "--seed": ("7", "seed", 7),
    "--early-stopping": ("4", "early_stopping.patience_epochs", 4),
    "--early-stopping-metric": ("f1", "early_stopping.metric", "f1"),
    "--min-delta": ("0.1", "early_stopping.min_delta", 0.1),
    "--loss": ("bce", "loss.kind", learning.LossSpec.KIND_BCE),
    "--label-smoothing": ("0.1", "loss.label_smoothing", 0.1),
    "--ignore-index": ("0", "loss.ignore_index", 0),
    "--optimizer": ("lars", "optimizer.algorithm", jobs.OptimizerSpec.ALGORITHM_LARS),
    "--lr": ("1e-2", "optimizer.lr", 0.01),
    "--lr-rule": ("square_root", "optimizer.lr_rule", jobs.OptimizerSpec.LR_RULE_SQUARE_ROOT),
    "--backbone-lr-ratio": ("0.1", "optimizer.backbone_lr_ratio", 0.1),
    "--layer-decay": ("0.7", "optimizer.layer_decay", 0.7),
    "--weight-decay": ("0", "optimizer.weight_decay", 0.0),
    "--momentum": ("0.5", "optimizer.momentum", 0.5),
    "--max-grad-norm": ("1", "max_grad_norm", 1.0),
    "--schedule": ("cosine", "schedule.kind", learning.ScheduleSpec.KIND_COSINE),
    "--warmup-epochs": ("0.5", "schedule.warmup_epochs", 0.5),
    "--warmup-steps": ("5", "schedule.warmup_steps", 5),
    "--final-lr-ratio": ("0.1", "schedule.final_lr_ratio", 0.1),
    "--precision": ("bf16", "precision", learning.PRECISION_BF16),
    "--compile": ("where_it_pays", "compile", learning.COMPILE_POLICY_WHERE_IT_PAYS),
    "--cache": ("required", "feature_cache.policy", learning.FeatureCacheSpec.POLICY_REQUIRED),
    "--cache-views": ("2", "feature_cache.num_views", 2),
    "--augment": ("shift", "augmentation", jobs.AUGMENTATION_SHIFT),
    "--fit": ("stretch", "preprocessing.fit", learning.PreprocessingSpec.FIT_STRETCH),
    "--resize": ("40", "preprocessing.resize_shorter_side_px", 40),
    "--interpolation": ("bicubic", "preprocessing.interpolation", "bicubic"),
    "--mean": ("0.5,0.5,0.25", "preprocessing.mean", [0.5, 0.5, 0.25]),
    "--std": ("0.5,0.5,0.25", "preprocessing.std", [0.5, 0.5, 0.25]),
    "--temperature": ("0.1", "simclr.temperature", 0.1),
    "--projection": ("64,32", "simclr.projection_units", [64, 32]),
    "--neighbours": ("5", "simclr.num_neighbours", 5),
    "--ignore-collapse": (None, "simclr.ignore_collapse", True),
    "--register-as": ("pets", "export.register_as", "pets"),
    "--note": ("ask me", "export.note", "ask me"),
    "--export-state": ("best", "export.state", jobs.ExportSpec.STATE_BEST),
    "--name": ("try 1", "display_name", "try 1"),
    "--priority": ("-5", "run.priority", -5),
    "--devices": ("2", "run.num_devices", 2),
    "--engine": ("ray", "run.engine", runs.ENGINE_RAY),
    "--max-failures": ("0", "run.max_failures", 0),
    "--max-preemptions": ("-1", "run.max_preemptions", -1),
    "--time-limit": ("2h30m", "run.time_limit.seconds", 9000),
    "--snapshot-every": ("0.5s", "run.snapshot_interval.nanos", 500_000_000),
}
"""A flag -> what is typed after it, the field that it sets, and what the field then holds."""

ELSEWHERE = {
    *("--data", "--csv", "--masks", "--coco", "--torchvision", "--unlabelled", "--digits"),
    *("--scenes", "--cluttered-digits", "--images", "--validation-data", "--validation-images"),
    *("--validation-masks", "--image-column", "--target-column", "--split-column"),
    *("--label-separator", "--mask-value", "--target-type", "--num-images", "--scene-size"),
    *("--max-objects", "--scene-seed", "--task", "--freeze", "--class-weights", "--augment-with"),
    *("--simclr", "--pretrained-model", "--catalog", "--pretrained", "--image-size"),
    "--label",
    *("--no-allow-partial", "--no-allow-frozen-random", "--no-ignore-collapse"),
}
"""Flags that have tests of their own."""


def plain(value: Any) -> Any:
    """Return a field's value without protobuf's containers."""
    if hasattr(value, "items"):
        return {key: inner.number_value for key, inner in value.items()}
    return list(value) if hasattr(value, "extend") else value


@pytest.mark.parametrize("flag", SET)
def test_a_flag_lands_in_its_field_and_in_no_other(flag: str) -> None:
    enough = ("--backbone", "resnet18", "--digits", "--epochs", "1")
    typed, path, expected = SET[flag]

    spec = spec_of(*enough, *([flag] if typed is None else [flag, typed]))

    message: Any = spec
    for field in path.split("."):
        message = getattr(message, field)
    assert plain(message) == expected
    before = {name for name, _ in leaves(spec_of(*enough))}
    both = {"model.image_height_px", "model.pretrained"}
    parents = {path.rpartition(".")[0], path.partition(".")[0]}
    assert {name for name, _ in leaves(spec)} - before - both <= {path, *parents}


def leaves(message: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and the value of everything that is set."""
    for field, value in message.ListFields():
        here = f"{path}{field.name}"
        if hasattr(value, "ListFields") and not hasattr(value, "update"):
            yield from leaves(value, f"{here}.")
        yield here, value


def test_every_flag_has_a_test() -> None:
    @click.command()
    @spec_options
    def command(**flags: Any) -> None:
        del flags

    options = [one for one in command.params if isinstance(one, click.Option)]
    names = {name for one in options for name in (*one.opts, *one.secondary_opts)}

    assert names == set(SET) | ELSEWHERE


def scalar_fields(descriptor: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every field of a message that is no message itself."""
    for field in descriptor.fields:
        inner = field.message_type
        here = f"{path}{field.name}"
        is_wide = inner is None or inner.GetOptions().map_entry or inner.full_name.startswith("goo")
        if is_wide or here in ("freeze", "augmentation_steps"):
            yield here
        elif inner.fields:
            yield from scalar_fields(inner, f"{here}.")


def test_every_field_of_an_experiment_has_a_flag() -> None:
    """But those that have a shorthand's other form, or the job's word instead."""
    unreachable = {"model.freeze_backbone"}
    reached = {path for _, path, _ in SET.values()} | set(OPTION_OF_FIELD)
    words = {path.rpartition(".")[2] for path in reached} | {"image_height_px"}

    fields = set(scalar_fields(jobs.TrainJobSpec.DESCRIPTOR))
    missing = {
        path
        for path in fields - unreachable
        if path not in reached
        and not (path.startswith("model.") and path.rpartition(".")[2] in words)
    }

    assert missing == set()


@pytest.mark.parametrize(
    ("field", "flag"),
    [
        ("spec.num_epochs", "--epochs"),
        ("spec.seed", "--seed"),
        ("spec.model.seed", "--model-seed"),
        ("spec.loss.kind", "--loss"),
        ("spec.schedule.kind", "--schedule"),
        ("spec.freeze.norm", "--norm"),
        ("spec.freeze.gradual.steps[1].num_blocks", "--freeze"),
        ("spec.loss.class_weights.weights[2]", "--class-weights"),
        ("spec.augmentation_steps[0].rotation.max_degrees", "--augment-with"),
        ("spec.dataset.csv.path", "--csv"),
        ("spec.dataset.image_folder.path", "--data"),
        ("spec.dataset.csv.target_columns[0]", "--target-column"),
        ("spec.dataset.cluttered_digits.seed", "--scene-seed"),
        ("spec.model.classification.hidden_units[0]", "--hidden"),
        ("spec.run.time_limit", "--time-limit"),
        ("spec.labels", "--label"),
    ],
)
def test_a_field_of_the_contract_is_called_by_its_flag(field: str, flag: str) -> None:
    """The same last word means different things in different places."""
    assert option_of(field, OPTION_OF_FIELD) == flag


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("gradual", {"gradual": {}}),
        ("norm_only", {"norm_only": {}}),
        ("scratch", {"scratch": {}}),
        (
            "gradual=2:1,4:all",
            {"gradual": {"steps": [{"after_epochs": 2, "num_blocks": 1}, {"after_epochs": 4}]}},
        ),
        (
            "gradual=500steps:2:0.05,plateau3:all",
            {
                "gradual": {
                    "steps": [
                        {"after_steps": "500", "num_blocks": 2, "lr_scale": 0.05},
                        {"after_plateau_epochs": 3},
                    ]
                }
            },
        ),
        (
            "custom=layer4,**.bias,!layer4.1",
            {"custom": {"trainable": ["layer4", "**.bias"], "frozen": ["layer4.1"]}},
        ),
    ],
)
def test_a_freeze_mode_is_written_in_a_word(typed: str, expected: dict[str, Any]) -> None:
    spec = spec_of("--backbone", "resnet18", "--digits", "--epochs", "1", "--freeze", typed)

    assert spec.freeze == to_message(expected, jobs.FreezeSpec)


SOURCES = {
    "--data pets --validation-data val": {
        "image_folder": {"path": "/here/pets", "validation_path": "/here/val"}
    },
    "--csv t.csv --images i --image-column file --target-column a,b --split-column part"
    " --label-separator |": {
        "csv": {
            "path": "/here/t.csv",
            "images_path": "/here/i",
            "image_column": "file",
            "target_columns": ["a", "b"],
            "split_column": "part",
            "label_separator": "|",
        }
    },
    "--csv s3://mine/t.csv": {"csv": {"path": "s3://mine/t.csv"}},
    "--images i --masks m --validation-images vi --validation-masks vm --mask-value 255=1": {
        "image_mask_pairs": {
            "images_path": "/here/i",
            "masks_path": "/here/m",
            "validation_images_path": "/here/vi",
            "validation_masks_path": "/here/vm",
            "classes_of_values": {"255": 1},
        }
    },
    "--coco a.json --images i --validation-data v.json --validation-images vi --task detection": {
        "coco": {
            "annotations_path": "/here/a.json",
            "images_path": "/here/i",
            "validation_annotations_path": "/here/v.json",
            "validation_images_path": "/here/vi",
        }
    },
    "--torchvision cifar10 --data sets --target-type category": {
        "torchvision": {"name": "cifar10", "path": "/here/sets", "target_type": "category"}
    },
    "--unlabelled photos": {"unlabelled_images": {"path": "/here/photos"}},
    "--digits": {"bundled_digits": {}},
    "--scenes --num-images 9 --scene-size 32 --max-objects 2 --scene-seed 0": {
        "drawn_scenes": {"num_images": 9, "side_px": 32, "max_objects": 2}
    },
    "--cluttered-digits --max-objects 4": {"cluttered_digits": {"max_digits": 4}},
}
"""What is typed -> the data set."""


@pytest.mark.parametrize("typed", SOURCES)
def test_flags_choose_the_source_and_fill_it(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "cwd", lambda: Path("/here"))

    spec = spec_of("--backbone", "resnet18", "--epochs", "1", *typed.split())

    assert spec.dataset == to_message(SOURCES[typed], jobs.DatasetSpec)


def test_every_source_has_flags() -> None:
    chosen = {name for expected in SOURCES.values() for name in expected}

    assert chosen == {
        one.name for one in jobs.DatasetSpec.DESCRIPTOR.oneofs_by_name["source"].fields
    }


@pytest.mark.parametrize(
    ("typed", "task"),
    [
        ("--images i --masks m", "segmentation"),
        ("--images i --masks m --classes no,yes", "segmentation"),
        ("--cluttered-digits", "segmentation"),
        ("--cluttered-digits --head deeplabv3", "segmentation"),
        ("--scenes --task regression", "regression"),
        ("--coco a.json --head mask_rcnn", "instance_segmentation"),
        ("--coco a.json --keypoints nose", "keypoints"),
        ("--scenes", None),
    ],
)
def test_images_say_what_is_usually_learned_from_them(typed: str, task: str | None) -> None:
    spec = spec_of("--backbone", "resnet18", "--epochs", "1", *typed.split())

    assert spec.model.WhichOneof("task") == task


@pytest.mark.parametrize("typed", ["--unlabelled photos", "--digits --simclr"])
def test_without_labels_views_are_compared(typed: str) -> None:
    spec = spec_of("--backbone", "resnet18", "--epochs", "1", *typed.split())

    assert spec.HasField("simclr")
    assert spec.model.WhichOneof("task") is None


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("balanced", {"rule": "RULE_BALANCED"}),
        ("1,2.5", {"rule": "RULE_EXPLICIT", "weights": [1, 2.5]}),
    ],
)
def test_class_weights_are_a_rule_or_numbers(typed: str, expected: dict[str, Any]) -> None:
    spec = spec_of("--backbone", "vgg11", "--digits", "--epochs", "1", "--class-weights", typed)

    assert spec.loss.class_weights == to_message(expected, learning.ClassWeights)


def test_augmentation_is_written_step_by_step() -> None:
    steps = ("--augment-with", "horizontal_flip", "--augment-with", "rotation:max_degrees=10")

    spec = spec_of("--backbone", "vgg11", "--digits", "--epochs", "1", *steps)

    assert [step.WhichOneof("step") for step in spec.augmentation_steps] == [
        "horizontal_flip",
        "rotation",
    ]
    assert spec.augmentation_steps[1].rotation.max_degrees == 10


def test_steps_instead_of_the_files_epochs(tmp_path: Path) -> None:
    """Exactly one of the two says how long."""
    spec = spec_of(written(tmp_path, FILE), "--steps", "30")

    assert (spec.num_steps, spec.num_epochs) == (30, 0)


def test_the_files_source_may_be_completed_by_flags(tmp_path: Path) -> None:
    spec = spec_of(written(tmp_path, FILE), "--validation-data", "/val")

    assert spec.dataset.image_folder.path == str(tmp_path / "pets")
    assert spec.dataset.image_folder.validation_path == "/val"


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
        ((), "--backbone, --data or another source of images, --epochs"),
        (("--images", "x"), "--images: say where the images are"),
        (("--digits", "--masks", "x"), "2 data sets"),
        (("--data", "x", "--masks", "y", "--digits"), "3 data sets"),
        (("--digits", "--image-column", "x"), "--image-column: means nothing for --digits"),
        (("--csv", "x", "--mask-value", "255=1"), "--mask-value: means nothing for --csv"),
        (("--masks", "x", "--mask-value", "white=1"), "VALUE=CLASS"),
        (("--coco", "x"), "say with --task"),
        (("--digits", "--freeze", "gradual="), "expected full"),
        (("--digits", "--freeze", "gradual=soon:1"), "a step is WHEN:STAGES"),
        (("--digits", "--freeze", "gradual=plateau3steps:1"), "a step is WHEN:STAGES"),
        (("--digits", "--freeze", "gradual=0:1"), "at least 1"),
        (("--digits", "--freeze", "gradual=1:0"), "at least 1"),
        (("--digits", "--freeze", "custom"), "expected full"),
        (("--digits", "--freeze", "norm_only=1"), "expected full"),
        (("--digits", "--class-weights", "heavy"), "none, balanced, effective"),
        (("--digits", "--augment-with", "melt"), "steps are random_resized_crop"),
        (("--digits", "--augment-with", "shift:far=1"), "it has max_share"),
        (("--digits", "--augment-with", "shift:max_share=far"), "max_share=NUMBER"),
        (("--digits", "--mean", "0.5,grey"), "numbers and commas"),
        (("--digits", "--steps", "0"), "not in the range"),
        (("--digits", "--data", "x"), "2 data sets"),
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


def test_labels_of_flags_join_those_of_the_file(tmp_path: Path) -> None:
    """The last of one name counts, and a value may hold anything."""
    file = written(tmp_path, FILE | {"labels": {"team": "vision", "site": "north"}})

    spec = spec_of(file, "--label", "team=sound", "--label", "team=a=b", "--label", "night=")

    assert dict(spec.labels) == {"team": "a=b", "site": "north", "night": ""}


@pytest.mark.parametrize("typed", ["team", "=vision", ""])
def test_a_label_without_a_name_is_refused(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="is not NAME=VALUE"):
        spec_of("--backbone", "resnet18", "--digits", "--epochs", "1", "--label", typed)


def test_labels_are_looked_for_as_they_are_written() -> None:
    found = label_filter({"team": "vision", "note": 'a "b" \\'})

    assert found == ['labels.team = "vision"', 'labels.note = "a \\"b\\" \\\\"']
