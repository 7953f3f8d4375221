"""Layouts, contracts and recipes survive JSON, and their digests see what matters."""

import json
from dataclasses import replace

import pytest

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.layout import (
    LoadReport,
    ShapeMismatch,
    StateLayout,
    is_inside,
    layout_digest,
)
from catalog_service.models.lineage import Lineage
from catalog_service.models.recipe import Recipe, classification_head, recipe_digest

VALUES = [
    InputContract(height_px=224, width_px=224, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)),
    OutputContract(shape=(2,), class_names=("a", "b")),
    Lineage(parent="checkpoints/letters", num_images=12),
    LoadReport(
        num_loaded=3,
        backbone_coverage=0.5,
        misshapen=(ShapeMismatch(name="w", source_shape=(1, 2), layout_shape=(2, 2)),),
        rules=("F16 -> F32: 3 tensors",),
    ),
    Recipe(builder="torchvision/vit_h_14", arguments={"image_size": 518}),
    Recipe(builder="torchvision/resnet18", head=classification_head(3)),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_survive_json(value: LoadReport) -> None:
    assert type(value).from_json(json.loads(json.dumps(value.to_json()))) == value


def test_every_layout_survives_json(layouts: dict[str, StateLayout]) -> None:
    for name in ("resnet18", "vit_b_32", "inception_v3"):
        text = json.dumps(layouts[name].to_json())

        assert StateLayout.from_json(json.loads(text)) == layouts[name]


def test_the_layout_digest_sees_names_shapes_and_dtypes(layouts: dict[str, StateLayout]) -> None:
    tensors = layouts["resnet18"].tensors
    digest = layouts["resnet18"].layout_digest

    assert layout_digest(reversed(tensors)) == digest
    for change in ({"name": "x"}, {"shape": (1,)}, {"dtype": "F16"}):
        first = replace(tensors[0], **change)
        assert layout_digest([first, *tensors[1:]]) != digest


def test_layout_digests_are_equal_for_equal_structures_only(
    layouts: dict[str, StateLayout],
) -> None:
    """Two detectors differ in how they resize alone, which is in no state."""
    twins = {"fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_mobilenet_v3_large_320_fpn"}
    named: dict[str, set[str]] = {}
    for name, layout in layouts.items():
        named.setdefault(layout.layout_digest, set()).add(name)

    assert [names for names in named.values() if len(names) > 1] == [twins]


def test_counts_equal_the_published_ones(
    index: CatalogIndex, layouts: dict[str, StateLayout]
) -> None:
    counts = {name: layout.num_parameters for name, layout in layouts.items()}

    assert counts == {name: index.architecture(name).num_parameters for name in counts}


def test_buffers_are_not_parameters(layouts: dict[str, StateLayout]) -> None:
    by_name = {tensor.name: tensor for tensor in layouts["resnet18"].tensors}

    assert by_name["bn1.running_mean"].is_buffer
    assert by_name["bn1.running_mean"].num_parameters == 0
    assert by_name["bn1.num_batches_tracked"].shape == ()
    assert by_name["bn1.num_batches_tracked"].dtype == "I64"
    assert by_name["bn1.weight"].num_parameters == 64


@pytest.mark.parametrize(
    ("name", "module", "inside"),
    [
        ("layer4.0.weight", "layer4", True),
        ("layer4", "layer4", True),
        ("layer40.weight", "layer4", False),
        ("layer4.weight", "", True),
    ],
)
def test_paths_are_compared_at_dots(name: str, module: str, inside: bool) -> None:
    assert is_inside(name, module) is inside


def test_the_recipe_digest_ignores_key_order() -> None:
    first = Recipe(builder="b", arguments={"x": 1, "y": 2})
    second = Recipe(builder="b", arguments={"y": 2, "x": 1})

    assert recipe_digest(first) == recipe_digest(second)
    assert recipe_digest(first) != recipe_digest(replace(first, head=classification_head(2)))
