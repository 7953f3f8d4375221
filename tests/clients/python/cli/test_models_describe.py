"""A description as a person reads it, and drawings in files and pipes."""

import json
from pathlib import Path

import pytest

from tests.clients.python.cli.conftest import Terminal, told
from tests.clients.python.conftest import Shell
from tests.fakes.fake_catalog import FakeCatalog
from tests.fakes.model_answers import described
from vertebra.catalog.v1 import model_service_pb2 as wire
from vertebra.cli.models_describe import freeze_mode, print_description, print_layers
from vertebra.model.v1 import model_spec_pb2

TWO = model_spec_pb2.ClassificationTask(class_names=["cat", "dog"])
SPEC = model_spec_pb2.ModelSpec(backbone="resnet18", classification=TWO)


def description(mode: str = "full") -> wire.ModelDescription:
    """Return the fake's description."""
    return described(wire.DescribeModelRequest(spec=SPEC, freeze_mode=mode))


@pytest.mark.parametrize("width", [80, 120])
def test_a_description_fits_the_terminal(terminal: Terminal, width: int) -> None:
    page = terminal(width)

    print_description(page, description(), "unknown")
    print_layers(page, description(), 3)

    assert max(len(line) for line in told(page)) <= width
    assert not any("…" in line for line in told(page))


def test_a_description_says_what_goes_in_and_what_comes_out(terminal: Terminal) -> None:
    page = terminal(120)

    print_description(page, description(), "BSD-3-Clause")

    text = "\n".join(told(page))
    assert "classification of 2 classes: cat, dog" in text
    assert "[B, 3, 224, 224] R, G, B" in text
    assert "shorter side to 232 px (bilinear), middle 224 x 224 px" in text
    assert "33 px to train, trains with 2 images or more" in text
    assert "[B, 2] one score a class" in text
    assert "BSD-3-Clause" in text


def test_a_part_shows_what_trains_and_what_stays_frozen(terminal: Terminal) -> None:
    page = terminal(80)

    print_description(page, description("frozen_backbone"), "")

    rows = [line.split() for line in told(page)]
    layer4 = next(row for row in rows if row[:2] == ["layer4", "backbone"])
    head = next(row for row in rows if row[:2] == ["head", "head"])
    assert layer4[2:5] == ["-", "8.4", "M"]
    assert layer4[-1] == "last_blocks=1"
    assert head[2:5] == ["1.0", "k", "-"]
    assert "under frozen_backbone 1.0 k train, 8.4 M stay" in "\n".join(told(page))


def test_memory_is_the_sum_of_what_is_listed(terminal: Terminal) -> None:
    page = terminal(120)

    print_description(page, description(), "")

    text = " ".join(" ".join(told(page)).split())
    assert "806.5 MB to train on 32 images a step" in text
    assert "640.0 MB activations (32 x 20.0 MB) + 32.0 MB for the widest layer" in text


def test_layers_are_a_tree_down_to_a_depth(terminal: Terminal) -> None:
    page = terminal(80)

    print_layers(page, description(), 2)

    lines = told(page)
    assert "    0     BasicBlock  512 x 7 x 7      9.4 k    118.0 M" in lines
    assert lines[-1] == "1 module deeper; --layers 3 shows more"
    assert not any("layer4.0.conv1" in line for line in lines)


@pytest.mark.parametrize(
    ("typed", "contract"),
    [("last_blocks=2", "last_blocks(2)"), ("last_blocks(2)", "last_blocks(2)"), ("full", "full")],
)
def test_a_freeze_mode_is_taken_in_both_spellings(typed: str, contract: str) -> None:
    assert freeze_mode(typed) == contract


def test_describing_asks_what_the_options_say(shell: Shell, with_catalog: FakeCatalog) -> None:
    options = ("--freeze", "last_blocks=1", "--batch", "8", "--optimizer", "sgd")

    code, out, _ = shell("models", "describe", "resnet18", *options, "--activations", "bf16")

    asked = with_catalog.asked[0]
    assert code == 0
    assert asked.freeze_mode == "last_blocks(1)"
    assert (asked.batch_size, asked.optimizer, asked.activation_dtype) == (8, "sgd", "BF16")
    assert "LAYER" not in out


def test_a_description_is_json_of_the_contract(shell: Shell, with_catalog: FakeCatalog) -> None:
    _, out, _ = shell("models", "describe", "resnet18", "--classes", "cat,dog", "--json")

    plain = json.loads(out)
    assert plain["spec"]["classification"]["class_names"] == ["cat", "dog"]
    assert plain["parts"][1]["num_trainable_parameters"] == "8393728"


def test_refused_fields_are_called_by_their_options(
    shell: Shell, with_catalog: FakeCatalog
) -> None:
    with_catalog.violations = [
        ("spec.in_channels", "4 is too much"),
        ("spec.classification.hidden_units", "0 is not between 1 and 65536"),
    ]

    code, _, err = shell("models", "describe", "resnet18")

    assert code == 2
    assert err == (
        "error: 2 problems\n  --channels: 4 is too much\n  --hidden: 0 is not between 1 and 65536\n"
    )


@pytest.mark.parametrize("command", ["describe", "diagram", "build"])
def test_an_unknown_backbone_is_one_sentence_with_its_nearest(
    shell: Shell, with_catalog: FakeCatalog, command: str
) -> None:
    code, out, err = shell("models", command, "resnet51")

    assert (code, out) == (4, "")
    assert err.startswith("error: no architecture 'resnet51'; closest are resnet50")
    assert err.count("\n") == 1


def test_a_drawing_goes_into_a_pipe(shell: Shell, with_catalog: FakeCatalog) -> None:
    code, out, _ = shell("models", "diagram", "resnet18")

    assert (code, out) == (0, "<svg>resnet18</svg>\n")


@pytest.mark.parametrize(
    ("name", "options", "content"),
    [
        ("model.svg", (), "<svg>resnet18</svg>"),
        ("model.dot", (), "digraph { resnet18 }"),
        ("model.txt", ("--format", "dot"), "digraph { resnet18 }"),
    ],
)
def test_a_drawing_goes_into_a_file_in_the_format_of_its_name(
    shell: Shell,
    with_catalog: FakeCatalog,
    tmp_path: Path,
    name: str,
    options: tuple[str, ...],
    content: str,
) -> None:
    file = tmp_path / "drawings" / name

    code, out, _ = shell("models", "diagram", "resnet18", "-o", str(file), *options)

    assert code == 0
    assert file.read_text() == content
    assert f"{file} drawn" in out
