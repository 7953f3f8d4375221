"""What a person sees of `models ls` at 80 and 120 columns, and what a program reads."""

import json
from io import StringIO

import pytest
from rich.console import Console

from tests.clients.python.conftest import Shell
from tests.fakes.catalog_rows import ROWS, architecture
from tests.fakes.fake_catalog import FakeCatalog
from vertebra.catalog.v1 import architecture_service_pb2 as architectures
from vertebra.cli.models_list import print_models

LONG = ("fasterrcnn_mobilenet_v3_large_320_fpn", "faster_rcnn", 19_386_354, 0.72, 0)
TWIN = ("quantized_mobilenet_v3_large", "mobilenet_v3", 5_483_032, 0.22, 960)


def rows() -> list[architectures.Architecture]:
    """Return models of several tasks, long names and a quantized one."""
    quantized = architecture(TWIN)
    quantized.float_twin, quantized.is_buildable = "mobilenet_v3_large", False
    return [*map(architecture, ROWS), architecture(LONG), quantized]


def printed(width: int, *, in_order: bool = False, colours: bool = False) -> str:
    """Return what stands on a terminal of this width."""
    page = Console(
        file=StringIO(),
        width=width,
        force_terminal=True,
        color_system="standard" if colours else None,
        highlight=False,
        legacy_windows=False,
    )
    print_models(page, rows(), in_order=in_order)
    text: str = page.file.getvalue()  # type: ignore[attr-defined]
    return text


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("in_order", [False, True])
def test_nothing_is_cut_at_a_usual_width(width: int, in_order: bool) -> None:
    """Where it is narrow a column goes, not the end of a name."""
    text = printed(width, in_order=in_order)

    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    assert all(one.architecture_id in text for one in rows())
    assert "25.6 M" in text and "4.09" in text


def test_models_are_grouped_by_task_with_the_metric_and_its_data_set() -> None:
    lines = printed(80).splitlines()

    headings = [line for line in lines if " on " in line]
    assert (
        headings
        == [
            "classification  4 models, acc@1 on ImageNet-1K",
            "quantized classification  1 model, acc@1 on ImageNet-1K; fine-tune the twin",
            "detection  2 models, box_map on COCO-val2017",
        ][: len(headings)]
    )
    assert len(headings) == 3


def test_a_family_is_named_once() -> None:
    assert printed(120).count("resnet  ") == 1


def test_an_order_is_kept_across_tasks() -> None:
    """The list is one: a task is a column."""
    lines = printed(120, in_order=True).splitlines()

    named = zip(lines[1:8], rows(), strict=True)
    assert all(f" {one.architecture_id} " in f" {line}" for line, one in named)
    assert "TASK" in lines[0]
    assert "37.00 box_map" in lines[5]


def test_a_model_at_hand_is_marked_and_the_mark_explained() -> None:
    lines = printed(80).splitlines()

    marked = [line.split()[-2:] for line in lines if line.endswith("●")]
    assert [line[1] for line in marked] == ["●"]
    assert "resnet50" in next(line for line in lines if line.endswith("●"))
    assert "● 1 with default weights at hand" in lines[-2]


def test_what_is_listed_only_is_dim() -> None:
    lines = printed(120, colours=True).splitlines()

    def is_dim(name: str) -> bool:
        line = next(line for line in lines if name in line)
        return "\x1b[1;2;36m" in line

    assert is_dim("quantized_mobilenet_v3_large")
    assert not is_dim("resnet18")
    assert "mobilenet_v3_large" in next(line for line in lines if TWIN[0] in line).split(TWIN[0])[1]


def test_the_last_line_says_what_to_type_next() -> None:
    assert printed(80).splitlines()[-1] == "next: vertebra models describe resnet18"


def test_a_pipe_gets_one_line_a_model_with_tabs(shell: Shell, with_catalog: FakeCatalog) -> None:
    code, out, _ = shell("models", "ls")

    lines = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert len(lines) == 1 + len(ROWS)
    assert {len(line) for line in lines} == {len(lines[0])}
    first = dict(zip(lines[0], lines[1], strict=True))
    assert first["parameters"] == "11689512"
    assert first["value"] == "76.13" and first["at_hand"] == "no"


def test_options_become_one_filter(shell: Shell, with_catalog: FakeCatalog) -> None:
    options = (
        *("--task", "detection", "--family", "fcos", "--max-parameters", "30M"),
        *("--max-gflops", "5", "--image-size", "224", "--licence", "BSD-3-Clause"),
        *("--min-metric", "70", "--cached", "--buildable", "--filter", "gflops > 1"),
    )

    shell("models", "ls", "res", *options)

    assert with_catalog.filters[0] == (
        'architecture_id : "*res*" AND task = detection AND family = fcos'
        " AND num_parameters <= 30000000 AND gflops <= 5.0 AND default_image_px = 224"
        ' AND licences = "BSD-3-Clause" AND metric >= 70.0 AND is_cached = true'
        " AND is_buildable = true AND gflops > 1"
    )


def test_a_source_is_told_by_the_library(shell: Shell, with_catalog: FakeCatalog) -> None:
    _, ours, _ = shell("models", "ls", "--source", "torchvision", "--json")
    _, theirs, _ = shell("models", "ls", "--source", "huggingface", "--json")

    assert len(json.loads(ours)["architectures"]) == len(ROWS)
    assert json.loads(theirs)["architectures"] == []


def test_an_amount_that_is_none_is_refused(shell: Shell) -> None:
    code, _, err = shell("models", "ls", "--max-parameters", "many")

    assert code == 2
    assert "'many' is not a number such as 30M" in err
