"""`vertebra checkpoints identify`: what people read of a file that fits, nearly fits, or is two."""

from pathlib import Path
from typing import Any

import pytest

from tests.clients.python.cli.conftest import Terminal, told
from tests.clients.python.conftest import Shell
from tests.fakes.fake_catalog import FakeCatalog
from vertebra.catalog.v1 import checkpoint_service_pb2 as wire
from vertebra.cli import exit_codes
from vertebra.cli.checkpoints_identify import print_identified


def candidate(architecture_id: str, **fields: Any) -> wire.CheckpointCandidate:
    return wire.CheckpointCandidate(
        **{
            "architecture_id": architecture_id,
            "source_layout": "torchvision",
            "in_channels": 3,
            "coverage": 1.0,
            "is_match": True,
            **fields,
        }
    )


def answer(*candidates: wire.CheckpointCandidate, **fields: Any) -> wire.IdentifyCheckpointResponse:
    return wire.IdentifyCheckpointResponse(
        **{
            "candidates": candidates,
            "format": "zip",
            "num_tensors": 122,
            "num_elements": 11_689_512,
            "verdict": "what was decided",
            **fields,
        }
    )


def test_a_match_is_shown_with_its_reasons_and_the_others_in_a_line(terminal: Terminal) -> None:
    page = terminal(80)
    found = answer(
        candidate("resnet18", prefix="module.", num_classes=7, reasons=["all names fit"]),
        candidate("resnet34", is_match=False, coverage=0.525, problems=["80 tensors missing"]),
        taken_from="state_dict",
        ignored=["epoch (int)"],
        is_unambiguous=True,
    )

    print_identified(page, found, "file.pth")

    assert told(page) == [
        "file.pth  zip, 122 tensors, 11,689,512 numbers",
        "what was decided",
        "state    state_dict",
        "ignored  epoch (int)",
        "",
        "resnet18 under module. (torchvision names): fits",
        "  coverage  100 %",
        "  head      7 classes",
        "  because   all names fit",
        "",
        "less like resnet34  52.5 %",
    ]


def test_a_near_miss_is_shown_with_what_differs(terminal: Terminal) -> None:
    page = terminal(80)
    near: dict[str, Any] = {
        "is_match": False,
        "coverage": 0.9999,
        "problems": ["3x3 kernels", "a block less"],
    }

    print_identified(page, answer(candidate("resnet18", **near)), "file.pth")

    assert told(page)[2:] == [
        "",
        "resnet18 (torchvision names): does not fit",
        "  coverage  over 99.9 %",
        "  differs   3x3 kernels",
        "            a block less",
    ]


def test_both_of_two_backbones_are_shown(terminal: Terminal) -> None:
    page = terminal(80)
    pair = [candidate("vit_b_16", prefix=f"{b}.", branch=b) for b in ("teacher", "student")]
    for one in pair:
        one.image_height_px = one.image_width_px = 224

    print_identified(page, answer(*pair), "file.pth")

    assert "vit_b_16 under teacher. (torchvision names, teacher): fits" in told(page)
    assert "vit_b_16 under student. (torchvision names, student): fits" in told(page)
    assert told(page).count("  images    224x224 px") == 2


def test_a_name_in_a_file_cannot_move_the_cursor(
    shell: Shell, with_catalog: FakeCatalog, tmp_path: Path
) -> None:
    (tmp_path / "file.pth").write_bytes(b"x")
    with_catalog.identified = answer(candidate("resnet18", prefix="\x1b[2J."))

    code, out, _ = shell("checkpoints", "identify", str(tmp_path / "file.pth"))

    assert code == exit_codes.OK
    assert "resnet18 under \\x1b[2J." in out


def test_a_path_is_the_catalogs_and_nothing_is_uploaded(
    shell: Shell, with_catalog: FakeCatalog
) -> None:
    with_catalog.identified = answer(candidate("resnet18"))

    code, out, _ = shell("checkpoints", "identify", "--path", "/data/a.ckpt", "--json")

    assert (code, '"is_match": true' in out) == (exit_codes.OK, True)
    assert with_catalog.asked[-1].path == "/data/a.ckpt"


@pytest.mark.parametrize("arguments", [(), ("FILE", "--path", "/data/a.ckpt")])
def test_either_a_file_or_a_path(shell: Shell, arguments: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "file.pth"
    file.write_bytes(b"x")

    code, _, error = shell(
        "checkpoints", "identify", *(str(file) if each == "FILE" else each for each in arguments)
    )

    assert code == exit_codes.USAGE
    assert "give a FILE to upload, or --path" in error
