"""Options, JSON or both make one ModelSpec; what means nothing is said in one sentence."""

import io
import json
from pathlib import Path
from typing import Any

import click
import grpc
import pytest
from click.testing import CliRunner

from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.model_options import model_options, model_spec, named_options, option_of
from vertebra.client_errors import RpcFailed, Violation
from vertebra.model.v1 import model_spec_pb2
from vertebra.wire_json import to_message


def spec_of(*arguments: str) -> model_spec_pb2.ModelSpec:
    """Return the spec that a command line means."""
    found: list[model_spec_pb2.ModelSpec] = []

    @click.command()
    @model_options()
    def command(**flags: Any) -> None:
        found.append(model_spec(flags))

    CliRunner().invoke(command, list(arguments), standalone_mode=False, catch_exceptions=False)
    return found[0]


def spec_json(**fields: Any) -> model_spec_pb2.ModelSpec:
    """Return the spec of plain JSON."""
    return to_message(fields, model_spec_pb2.ModelSpec)


ROWS = (
    ("resnet50", {}),
    ("resnet50 --classes cat,dog", {"classification": {"class_names": ["cat", "dog"]}}),
    (
        "resnet50 --num-classes 3 --hidden 256,64 --dropout 0 --pooling gem --multilabel",
        {
            "classification": {
                "num_classes": 3,
                "hidden_units": [256, 64],
                "dropout": 0.0,
                "pooling": "gem",
                "multilabel": True,
            }
        },
    ),
    ("resnet50 --num-targets 2", {"regression": {"num_targets": 2}}),
    (
        "resnet50 --targets x,y --dropout 0.2",
        {"regression": {"target_names": ["x", "y"], "dropout": 0.2}},
    ),
    ("resnet50 --head fcn --num-classes 3", {"segmentation": {"head": "fcn", "num_classes": 3}}),
    (
        "resnet50 --head retinanet --neck bifpn --classes cat",
        {"detection": {"head": "retinanet", "class_names": ["cat"]}, "neck": "bifpn"},
    ),
    ("resnet50 --head mask_rcnn", {"instance_segmentation": {"head": "mask_rcnn"}}),
    ("resnet50 --num-keypoints 5", {"keypoints": {"num_keypoints": 5}}),
    ("resnet50 --features pyramid", {"features": {"output": "pyramid"}}),
    ("resnet50 --task features", {"features": {}}),
    ("resnet50 --task detection --num-classes 2", {"detection": {"num_classes": 2}}),
    ("resnet50 --channels 4 --stem average", {"in_channels": 4, "stem_adaptation": "average"}),
    ("resnet50 --size 384", {"image_height_px": 384, "image_width_px": 384}),
    ("resnet50 --image-size 225x191", {"image_height_px": 225, "image_width_px": 191}),
    ("resnet50 --remove layer4 --remove fc", {"remove_modules": ["layer4", "fc"]}),
    ("googlenet --aux keep", {"aux_heads": "keep"}),
    (
        "resnet50 --weights checkpoints/mine --allow-partial",
        {"weights": "checkpoints/mine", "allow_partial": True},
    ),
    ("resnet50 --no-pretrained --seed 7", {"pretrained": False, "seed": 7}),
    (
        "resnet50 --arg num_hidden_layers=2 --arg act=gelu --arg sizes=[1,2]",
        {"arguments": {"num_hidden_layers": 2, "act": "gelu", "sizes": [1, 2]}},
    ),
)


@pytest.mark.parametrize(("line", "wanted"), ROWS, ids=[line for line, _ in ROWS])
def test_a_command_line_means_a_spec(line: str, wanted: dict[str, Any]) -> None:
    backbone, *options = line.split()

    assert spec_of(backbone, *options) == spec_json(backbone=backbone, **wanted)


def test_class_names_come_from_a_file(tmp_path: Path) -> None:
    """One a line: names may have commas."""
    names = tmp_path / "names.txt"
    names.write_text("tench, Tinca tinca\n\ngoldfish\n")

    spec = spec_of("resnet50", "--classes", f"@{names}")

    assert list(spec.classification.class_names) == ["tench, Tinca tinca", "goldfish"]


def test_options_win_over_the_json(tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    task = {"head": "fcos", "class_names": ["a", "b"]}
    file.write_text(json.dumps({"backbone": "resnet18", "seed": 1, "detection": task}))

    spec = spec_of("--spec", str(file), "--seed", "2", "--classes", "cat", "--keep-known-classes")

    assert spec == spec_json(
        backbone="resnet18",
        seed=2,
        detection={"head": "fcos", "class_names": ["cat"], "keep_known_classes": True},
    )


def test_the_json_may_come_from_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.TextIOWrapper(io.BytesIO(b'{"backbone": "resnet18"}'))
    monkeypatch.setattr("sys.stdin", given)

    @click.command()
    @model_options()
    def command(**flags: Any) -> None:
        assert model_spec(flags).backbone == "resnet18"

    command.main(["--spec", "-"], standalone_mode=False)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "give BACKBONE, such as resnet50, or --spec"),
        ("resnet50 --task segmentation --hidden 4", "it is for classification, regression"),
        ("resnet50 --targets x --classes a", "--classes, --targets: no task takes all of these"),
        ("resnet50 --size 3x4x5", "such as 224 or 224x320"),
        ("resnet50 --size 0", "such as 224 or 224x320"),
        ("resnet50 --arg layers", "is not NAME=VALUE"),
        ("resnet50 --hidden 4,x", "is not whole numbers and commas"),
        ("resnet50 --classes @nowhere.txt", "cannot be read"),
        ("resnet50 --dropout 2", "--dropout"),
        ("resnet50 --seed 9223372036854775808", "--seed"),
        ("resnet50 --channels 2147483648", "--channels"),
    ],
)
def test_what_means_nothing_is_refused_before_any_call(line: str, told: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        spec_of(*line.split())

    assert told in caught.value.format_message()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not JSON"),
        ("[]", "expected an object"),
        ('{"backbone": "resnet50", "wieghts": ""}', "did you mean 'weights'?"),
    ],
)
def test_json_that_is_no_spec_names_the_file(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "spec.json"
    file.write_text(text)

    with pytest.raises(CliFailed, match=r"--spec .*spec\.json") as caught:
        spec_of("--spec", str(file))

    assert told in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("field", "option"),
    [
        ("spec.classification.hidden_units[0]", "--hidden"),
        ("spec.detection.class_names", "--classes"),
        ("spec.image_width_px", "--size"),
        ("spec.backbone", "BACKBONE"),
        ("spec.something_new", "spec.something_new"),
    ],
)
def test_a_refused_field_is_called_by_its_option(field: str, option: str) -> None:
    assert option_of(field) == option


def refusal(message: str, *violations: tuple[str, str]) -> RpcFailed:
    """Return what a service says of an invalid request."""
    return RpcFailed(
        grpc.StatusCode.INVALID_ARGUMENT,
        message,
        violations=[Violation(field=field, description=why) for field, why in violations],
    )


def test_one_problem_is_one_line() -> None:
    with pytest.raises(CliFailed) as caught, named_options():
        raise refusal(
            "spec.in_channels: -1 is less than 1", ("spec.in_channels", "-1 is less than 1")
        )

    assert caught.value.message == "--channels: -1 is less than 1"
    assert caught.value.exit_code == 2


def test_several_problems_are_a_list() -> None:
    wrong = (("spec.seed", "too large"), ("spec.keypoints.class_names", "a name is empty"))

    with pytest.raises(CliFailed) as caught, named_options():
        raise refusal("; ".join(f"{field}: {why}" for field, why in wrong), *wrong)

    assert caught.value.message == ("2 problems\n  --seed: too large\n  --classes: a name is empty")


def test_a_sentence_of_the_service_stays_as_it_is() -> None:
    """Such as the compositions that are feasible."""
    error = refusal("vgg11 does not go under bifpn; fpn does", ("spec.neck", "does not go"))

    with pytest.raises(RpcFailed) as caught, named_options():
        raise error

    assert caught.value is error
