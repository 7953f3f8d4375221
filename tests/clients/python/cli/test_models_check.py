"""Whether a size runs, and what goes together."""

import json

from tests.clients.python.cli.conftest import Terminal, told
from tests.clients.python.conftest import Shell
from tests.fakes.fake_catalog import FakeCatalog
from tests.fakes.model_answers import compositions
from vertebra.catalog.v1 import model_service_pb2 as wire
from vertebra.cli.models_check import print_compositions, print_verdicts


def test_a_size_that_runs_ends_with_0(shell: Shell, with_catalog: FakeCatalog) -> None:
    code, out, _ = shell("models", "check", "resnet18", "--size", "225x191")

    asked = with_catalog.asked[0]
    assert code == 0
    assert (asked.height_px, asked.width_px) == (225, 191)
    assert asked.spec.image_height_px == 0
    assert "in both modes  runs" in out


def test_a_size_that_does_not_run_ends_with_1_and_its_nearest(
    shell: Shell, with_catalog: FakeCatalog
) -> None:
    code, out, _ = shell("models", "check", "resnet18", "--size", "4")

    assert code == 1
    assert "4 px is less than 8 px" in out
    assert "nearest: 8x8" in out


def test_a_size_that_trains_no_batch_is_still_an_answer(
    shell: Shell, with_catalog: FakeCatalog
) -> None:
    code, out, _ = shell("models", "check", "resnet18", "--size", "20")

    assert code == 0
    assert "training    does not run" in out


def test_images_of_other_channels_for_a_model_of_another_size(
    shell: Shell, with_catalog: FakeCatalog
) -> None:
    """What is built and what is given are two things."""
    options = ("--size", "256", "--built-for", "224x320", "--channels", "4", "--batch", "2")

    shell("models", "check", "vit_b_16", *options)

    asked = with_catalog.asked[0]
    assert (asked.spec.image_height_px, asked.spec.image_width_px) == (224, 320)
    assert asked.spec.in_channels == 0
    assert (asked.num_channels, asked.batch_size) == (4, 2)


def test_a_border_that_is_not_seen_is_said(terminal: Terminal) -> None:
    page = terminal(80)
    crop = wire.InputVerdict(
        kind=wire.InputVerdict.KIND_WILL_CROP, seen_height_px=224, seen_width_px=208
    )

    print_verdicts(page, "vit", "", wire.CheckInputResponse(evaluation=crop, training=crop))

    assert "in both modes  runs, but the border is not seen" in "\n".join(told(page))
    assert "seen: 224 x 208 px" in "\n".join(told(page))


def test_a_fixed_size_says_which_option_changes_it(terminal: Terminal) -> None:
    page = terminal(80)
    verdict = wire.InputVerdict(kind=wire.InputVerdict.KIND_NEEDS_INTERPOLATION)

    print_verdicts(page, "vit", "", wire.CheckInputResponse(evaluation=verdict, training=verdict))

    assert "--size when it is built; here --built-for" in "\n".join(told(page))


def test_the_necks_of_a_backbone_stand_beside_its_heads(
    shell: Shell, with_catalog: FakeCatalog
) -> None:
    code, out, _ = shell("models", "compose", "resnet18", "--task", "detection", "--head", "fcos")

    asked = with_catalog.asked[0]
    assert code == 0
    assert asked.filter == "backbone = resnet18 AND task = detection AND head = fcos"
    rows = [line.split() for line in out.splitlines()]
    assert rows[2][:4] == ["detection", "faster_rcnn", "fpn*,", "bifpn"]
    assert rows[3][:2] == ["retinanet", "fpn"]


def test_an_unknown_backbone_is_not_an_empty_list(shell: Shell, with_catalog: FakeCatalog) -> None:
    code, _, err = shell("models", "compose", "resnet51")

    assert code == 4
    assert "no architecture 'resnet51'" in err


def test_without_a_backbone_the_backbones_are_counted(terminal: Terminal) -> None:
    page = terminal(80)
    rows = [*compositions("resnet18"), *compositions("vgg11")]

    print_compositions(page, rows, of_one=False)

    text = "\n".join(told(page))
    assert "2 backbones: resnet18, vgg11" in text
    assert told(page)[0].split() == ["TASK", "HEAD", "none", "fpn", "bifpn"]
    assert told(page)[2].split() == ["detection", "faster_rcnn", "-", "2", "2"]
    assert max(len(line) for line in told(page)) <= 80


def test_the_example_is_a_command_that_means_something(
    shell: Shell, with_catalog: FakeCatalog
) -> None:
    _, out, _ = shell("models", "compose", "resnet18")
    line = out.splitlines()[-1]

    code, _, _ = shell(*line.removeprefix("next: vertebra ").split())

    assert code == 0
    assert with_catalog.asked[-1].spec.detection.head == "faster_rcnn"


def test_the_example_is_a_default_where_there_is_one(terminal: Terminal) -> None:
    page = terminal(80)

    print_compositions(page, compositions("resnet18")[::-1], of_one=True)

    example = "next: vertebra models describe resnet18 --head faster_rcnn --num-classes 2"
    assert told(page)[-1] == example


def test_compositions_are_json_of_the_contract(shell: Shell, with_catalog: FakeCatalog) -> None:
    _, out, _ = shell("models", "compose", "resnet18", "--json")

    rows = json.loads(out)["compositions"]
    assert len(rows) == len(compositions("resnet18"))
    assert rows[2]["neck"] == "bifpn"
