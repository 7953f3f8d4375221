"""Building as a person sees it, and what is saved of it."""

import json
from pathlib import Path

import pytest

from tests.clients.python.conftest import Shell
from tests.fakes.fake_catalog import FakeCatalog
from vertebra.catalog.v1 import model_service_pb2 as models
from vertebra.cli.models_build import progress_line
from vertebra.model.v1 import layout_pb2


def test_a_part_is_saved_in_another_dtype(
    shell: Shell, with_catalog: FakeCatalog, tmp_path: Path
) -> None:
    file = tmp_path / "backbone.safetensors"
    what = ("--save", str(file), "--role", "backbone", "--dtype", "bf16")

    code, out, _ = shell("models", "build", "resnet18", "--classes", "cat,dog", *what)

    asked = with_catalog.blobs.tensors_asked[0]
    assert code == 0
    assert (asked.role, asked.dtype) == (layout_pb2.ROLE_BACKBONE, "BF16")
    assert f"saved            {file}, " in out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--role", "head"), "--role says how to --save"),
        (("--dtype", "bf16"), "--dtype says how to --save"),
        (("--definition-only", "--save", "x.safetensors"), "has no numbers to --save"),
    ],
)
def test_options_that_contradict_each_other_are_refused_before_any_call(
    shell: Shell, with_catalog: FakeCatalog, options: tuple[str, ...], told: str
) -> None:
    code, _, err = shell("models", "build", "resnet18", *options)

    assert code == 2
    assert told in err
    assert with_catalog.asked == []


def test_the_whole_spec_of_every_task_is_built(shell: Shell, with_catalog: FakeCatalog) -> None:
    options = ("--head", "retinanet", "--neck", "bifpn", "--classes", "cat", "--size", "384x320")

    code, out, _ = shell("models", "build", "resnet50", *options, "--no-pretrained", "--json")

    spec = with_catalog.asked[0].spec
    assert code == 0
    assert json.loads(out)["spec"]["detection"]["class_names"] == ["cat"]
    assert (spec.neck, spec.image_height_px, spec.image_width_px) == ("bifpn", 384, 320)
    assert spec.HasField("pretrained") and not spec.pretrained


def test_a_definition_has_no_digests(shell: Shell, with_catalog: FakeCatalog) -> None:
    code, out, _ = shell("models", "build", "resnet18", "--definition-only")

    assert code == 0
    assert "digest" not in out


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ({}, "downloading: x.pth"),
        ({"bytes_done": 2_000_000}, "downloading: x.pth  2.0 MB"),
        (
            {"bytes_done": 2_000_000, "bytes_total": 4_000_000},
            "downloading: x.pth  2.0 MB of 4.0 MB",
        ),
    ],
)
def test_a_build_that_downloads_says_how_much_came(numbers: dict[str, int], shown: str) -> None:
    progress = models.BuildProgress(
        step=models.BuildProgress.STEP_DOWNLOADING, message="x.pth", **numbers
    )

    assert progress_line(progress).plain == shown
