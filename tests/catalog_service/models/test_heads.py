"""A new head changes exactly the published last layer, and nothing else."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.output_contract import final_width
from catalog_service.models.describe import describe
from catalog_service.models.families.table import family_of
from catalog_service.models.layout import StateLayout, TensorInfo, is_inside
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.skeleton import skeleton

TABLE: dict[str, dict[str, list[int | str]]] = json.loads(
    Path(__file__).with_name("class_heads.json").read_text(encoding="utf-8")
)
"""Architecture (`+aux` where its auxiliary heads are kept) -> tensor -> shape, `9C` for nine rows a
class and `K` for keypoints. Source: torchvision's builds for 1000 and 7 classes compared by hand,
and its constructors; independent of the family tables.
"""

KINDS = {"video": "classification"}
"""Tasks of the index whose new head has another kind."""


def expected_changes(row: str, num_classes: int) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of every tensor of a row that depends on the classes."""
    return {
        name: tuple(_side(side, num_classes) for side in shape)
        for name, shape in TABLE[row].items()
    }


def _side(side: int | str, num_classes: int) -> int:
    if isinstance(side, int):
        return side
    return NUM_POINTS if side == "K" else int(side.removesuffix("C") or 1) * num_classes


NUM_POINTS = 5


def head_of(index: CatalogIndex, row: str, num_classes: int) -> Recipe:
    """Return the recipe of a row of the table with a new head."""
    name, _, suffix = row.partition(" ")
    task = index.architecture(name).task
    head: dict[str, object] = {"kind": KINDS.get(task, task), "num_outputs": num_classes}
    if suffix or task == "segmentation":
        head["aux"] = True
    if task == "keypoints":
        head["num_points"] = NUM_POINTS
    return index.recipe_for(name, head=head)


@pytest.fixture(scope="module")
def seven_classes(
    index: CatalogIndex, new_head_layouts: dict[str, StateLayout]
) -> dict[str, StateLayout]:
    """Row of the table -> layout for 7 classes."""
    return {
        row: new_head_layouts.get(row) or describe(head_of(index, row, 7)) for row in sorted(TABLE)
    }


def test_a_new_head_changes_exactly_the_tensors_of_the_table(
    layouts: dict[str, StateLayout], seven_classes: dict[str, StateLayout]
) -> None:
    for row, layout in seven_classes.items():
        assert_changes(row, layouts[row.partition(" ")[0]], layout, 7)


@pytest.mark.full
@pytest.mark.parametrize("num_classes", [1, 2, 1000])
def test_any_number_of_classes_changes_the_same_tensors(
    index: CatalogIndex, layouts: dict[str, StateLayout], num_classes: int
) -> None:
    for row in TABLE:
        layout = describe(head_of(index, row, num_classes))
        assert_changes(row, layouts[row.partition(" ")[0]], layout, num_classes)


def assert_changes(row: str, published: StateLayout, headed: StateLayout, num_classes: int) -> None:
    """Auxiliary heads may be dropped or added; nothing else comes or goes."""
    old = {tensor.name: tensor for tensor in published.tensors}
    new = {tensor.name: tensor for tensor in headed.tensors}
    expected = expected_changes(row, num_classes)

    changed = {key: info.shape for key, info in new.items() if key in old and info != old[key]}

    assert changed == {
        key: shape for key, shape in expected.items() if key in old and not same(old, key, shape)
    }, row
    assert {key: new[key].shape for key in expected} == expected, row
    assert not [key for key in old.keys() - new.keys() if old[key].role != "aux"], row
    assert not [key for key in new.keys() - old.keys() if new[key].role != "aux"], row


def same(old: dict[str, TensorInfo], name: str, shape: tuple[int, ...]) -> bool:
    return name in old and old[name].shape == shape


def test_the_table_has_every_model_with_classes(index: CatalogIndex) -> None:
    have_classes = {
        entry.architecture_id
        for entry in index.architectures
        if entry.is_buildable and entry.task not in ("features", "optical_flow")
    }

    assert {row.partition(" ")[0] for row in TABLE} == have_classes
    assert len(have_classes) == 107


def test_what_the_table_changes_is_what_is_drawn(seven_classes: dict[str, StateLayout]) -> None:
    """And the mask predictor's other layer, which torchvision's own replacement draws, too."""
    for row, layout in seven_classes.items():
        drawn = {
            tensor.name
            for tensor in layout.tensors
            if any(is_inside(tensor.name, path) for path in layout.replaced_modules)
        }

        assert {name for name in drawn if ".conv5_mask." not in name} == TABLE[row].keys(), row


def test_a_new_task_drops_the_auxiliary_head(new_head_layouts: dict[str, StateLayout]) -> None:
    assert all(not layout.of_role("aux") for layout in new_head_layouts.values())


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_a_new_task_keeps_the_input_transform(index: CatalogIndex, name: str) -> None:
    """The pretrained stem expects it; it is not in the state, so only the recipe can know."""
    module = skeleton(new_head(index, name))

    assert getattr(module, "transform_input") is True  # noqa: B009  (nn.Module has no such attribute)
    assert getattr(module, "aux_logits") is False  # noqa: B009


def test_squeezenet_knows_its_number_of_classes(index: CatalogIndex) -> None:
    module = skeleton(new_head(index, "squeezenet1_1"))

    assert module.num_classes == 7
    assert isinstance(module.get_submodule("classifier.1"), nn.Conv2d)


@pytest.mark.parametrize(
    ("name", "size"), [("squeezenet1_1", 32), ("mnasnet0_5", 32), ("shufflenet_v2_x0_5", 32)]
)
def test_outputs_are_one_number_a_class(index: CatalogIndex, name: str, size: int) -> None:
    module = skeleton(new_head(index, name)).eval()

    assert module(torch.empty(2, 3, size, size, device="meta")).shape == (2, 7)


@pytest.mark.parametrize("num_classes", [1, 2, 1000])
def test_any_number_of_classes_is_built(index: CatalogIndex, num_classes: int) -> None:
    recipe = replace(new_head(index, "maxvit_t"), head=classification_head(num_classes))

    last = skeleton(recipe).get_submodule("classifier.5")

    assert isinstance(last, nn.Linear)
    assert last.out_features == num_classes
    assert "bias" not in last.state_dict()


def test_the_width_of_every_last_layer_is_known(
    index: CatalogIndex, layouts: dict[str, StateLayout]
) -> None:
    for name, layout in layouts.items():
        entry = index.architecture(name)
        if entry.task in ("classification", "video"):
            weight = f"{family_of(name).final_layer}.weight"
            shape = next(t.shape for t in layout.tensors if t.name == weight)
            assert final_width(entry) == shape[1], name


def test_auxiliary_heads_are_kept_on_request(index: CatalogIndex) -> None:
    module = skeleton(head_of(index, "googlenet +aux", 7)).train()

    outputs = module(torch.empty(2, 3, 64, 64, device="meta"))

    assert [tuple(each.shape) for each in outputs] == [(2, 7)] * 3


def new_head(index: CatalogIndex, name: str) -> Recipe:
    return index.recipe_for(name, head=classification_head(7))
