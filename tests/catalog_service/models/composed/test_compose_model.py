"""Every composed model: one role and stage for each tensor, and names that one blob serves."""

from dataclasses import replace

import pytest

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.anatomy import anatomy
from catalog_service.models.composed.compose_model import COMPOSERS
from catalog_service.models.compositions import compose_recipe, compositions
from catalog_service.models.describe import describe
from catalog_service.models.placements import PLACEMENTS
from catalog_service.models.recipe import Recipe
from catalog_service.models.roles import stage_of
from catalog_service.models.skeleton import skeleton
from tests.fakes.composed_recipes import TASKS


def test_every_placement_has_a_composer() -> None:
    assert COMPOSERS.keys() == PLACEMENTS.keys()


SKELETON_BACKBONES = [
    "resnet18",
    *(
        pytest.param(name, marks=pytest.mark.full)
        for name in ("resnet50", "mobilenet_v2", "swin_t", "convnext_tiny", "vit_b_32")
    ),
]


@pytest.mark.parametrize("backbone", SKELETON_BACKBONES)
def test_every_composition_has_one_role_and_stage_for_each_tensor(backbone: str) -> None:
    for row in compositions():
        if row.backbone != backbone or (row.task, row.head) not in TASKS:
            continue
        choice = compose_recipe(backbone, TASKS[row.task, row.head], row.neck)
        recipe = Recipe(builder=f"torchvision/{backbone}", head=choice.head, neck=choice.neck)
        parts, layout = anatomy(recipe), describe(recipe)
        names = [tensor.name for tensor in layout.tensors]
        prefix = PLACEMENTS[choice.head["kind"]].backbone_prefix

        assert len(names) == len(set(names)), row.name
        for tensor in layout.tensors:
            assert (tensor.role == "backbone") == tensor.name.startswith(prefix), tensor.name
            if tensor.role == "backbone":
                assert stage_of(parts.stages, tensor.name)
        roles = {tensor.role for tensor in layout.tensors}
        assert ("neck" in roles) == (row.neck != "none"), row.name
        assert ("aux" in roles) == bool(choice.head.get("aux")), row.name
        assert ("head" in roles) == (row.task != "features"), row.name


def test_a_composed_backbone_has_the_names_of_its_architecture() -> None:
    """So one blob of resnet50 starts every task."""
    own = {
        tensor.name: tensor.shape
        for tensor in describe(Recipe(builder="torchvision/resnet50")).of_role("backbone")
    }
    for task in TASKS.values():
        choice = compose_recipe("resnet50", task)
        layout = describe(
            Recipe(builder="torchvision/resnet50", head=choice.head, neck=choice.neck)
        )
        found = {layout.blob_name(each.name): each.shape for each in layout.of_role("backbone")}

        assert found == own, task.kind
        assert layout.backbone_architecture == "resnet50"


def test_a_composed_state_holds_everything_that_the_model_computes_with() -> None:
    """A buffer that is in no state would be noise after a load; torchvision's anchors are none."""
    for task in TASKS.values():
        choice = compose_recipe("resnet18", task)
        module = skeleton(
            Recipe(builder="torchvision/resnet18", head=choice.head, neck=choice.neck)
        )
        held = set(module.state_dict())

        assert {name for name, _ in module.named_parameters()} <= held, task.kind
        assert {name for name, _ in module.named_buffers()} <= held, task.kind


@pytest.mark.full
@pytest.mark.parametrize("backbone", sorted({row.backbone for row in compositions()}))
def test_every_head_builds_on_every_backbone(backbone: str) -> None:
    index = CatalogIndex.load()
    rows = {
        (row.task, row.head): row
        for row in reversed(compositions())
        if row.backbone == backbone and row.feature_maps
    }
    for task, head in rows:
        choice = compose_recipe(backbone, TASKS[task, head])
        recipe = replace(index.recipe_for(backbone), head=choice.head, neck=choice.neck)

        assert describe(recipe).num_backbone_parameters > 0, (backbone, head)
