"""Every tensor of every architecture has one role, and every backbone tensor one stage."""

import sys
from importlib import import_module
from subprocess import run

import pytest
import torchvision
from torch import nn

from catalog_service.models.anatomy import anatomy
from catalog_service.models.families.family import stages
from catalog_service.models.families.table import FAMILIES, families, family_of
from catalog_service.models.layout import StateLayout, is_inside
from catalog_service.models.recipe import Recipe
from catalog_service.models.roles import stage_of

NUM_MEMBERS = {
    "alexnet": 1,
    "convnext": 4,
    "densenet": 4,
    "efficientnet": 11,
    "googlenet": 1,
    "inception_v3": 1,
    "maxvit": 1,
    "mnasnet": 4,
    "mobilenet_v2": 1,
    "mobilenet_v3": 2,
    "regnet": 15,
    "resnet": 5,
    "resnext": 3,
    "shufflenet_v2": 4,
    "squeezenet": 2,
    "swin": 6,
    "vgg": 8,
    "vit": 5,
    "wide_resnet": 2,
}

KEPT_IN_THE_HEAD = {
    "alexnet": {"classifier.1", "classifier.4"},
    "convnext": {"classifier.0"},
    "maxvit": {"classifier.2", "classifier.3"},
    "mobilenet_v3": {"classifier.0"},
    "vgg": {"classifier.0", "classifier.3"},
}
"""Pretrained head layers that a new task keeps; the other families have none."""


def test_the_families_are_all_of_torchvision_classification() -> None:
    live = set(torchvision.models.list_models(module=torchvision.models))

    assert set(families()) == live
    assert {family.name: len(family.stages) for family in families().values()} == NUM_MEMBERS
    assert set(FAMILIES) == set(NUM_MEMBERS)


def test_each_file_is_named_after_its_family() -> None:
    for name, path in FAMILIES.items():
        assert import_module(path).FAMILY.name == name
        assert path.rpartition(".")[2] == name


def test_every_backbone_tensor_is_in_exactly_one_stage(layouts: dict[str, StateLayout]) -> None:
    for name, layout in layouts.items():
        rules = family_of(name).stages[name]
        for tensor in layout.of_role("backbone"):
            stage_of(rules, tensor.name)


def test_stages_are_ordered_from_the_image_side(layouts: dict[str, StateLayout]) -> None:
    """Modules are registered in the order of the data, so the first tensors of stages ascend."""
    for name, layout in layouts.items():
        order = [tensor.name for tensor in layout.of_role("backbone")]
        firsts = [
            min(i for i, t in enumerate(order) if any(is_inside(t, m) for m in stage.modules))
            for stage in layout.stages
        ]

        assert firsts == sorted(firsts), name
        assert all(stage.num_parameters > 0 for stage in layout.stages), name


def test_every_path_of_the_tables_exists(skeletons: dict[str, nn.Module]) -> None:
    for name, family in families().items():
        module = skeletons[name]
        paths = {path for path, _ in module.named_modules()} | set(module.state_dict())
        named = {path for stage in family.stages[name] for path in stage.modules}

        assert named | {*family.head_modules, family.final_layer} <= paths, name


def test_roles_partition_the_parameters(layouts: dict[str, StateLayout]) -> None:
    for name, layout in layouts.items():
        by_role = {
            role: sum(tensor.num_parameters for tensor in layout.of_role(role))
            for role in ("backbone", "neck", "head", "aux")
        }

        assert sum(by_role.values()) == layout.num_parameters, name
        assert sum(stage.num_parameters for stage in layout.stages) == by_role["backbone"], name
        assert by_role["backbone"] == layout.num_backbone_parameters > 0, name
        assert by_role["head"] > 0, name


def test_only_inception_has_a_published_auxiliary_head(layouts: dict[str, StateLayout]) -> None:
    assert {name for name, layout in layouts.items() if layout.of_role("aux")} == {"inception_v3"}


def test_pretrained_head_layers_are_head_but_not_replaced(layouts: dict[str, StateLayout]) -> None:
    for name, layout in layouts.items():
        kept = {
            tensor.name.rpartition(".")[0]
            for tensor in layout.of_role("head")
            if not any(is_inside(tensor.name, module) for module in layout.replaced_modules)
        }

        assert kept == KEPT_IN_THE_HEAD.get(family_of(name).name, set()), name


def test_replaced_modules_lie_inside_the_head(layouts: dict[str, StateLayout]) -> None:
    for layout in layouts.values():
        for module in layout.replaced_modules:
            assert any(is_inside(module, head) for head in layout.head_modules)


def test_a_tensor_in_no_stage_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"'other\.weight' is in 0 stages"):
        stage_of(stages(stem="conv1"), "other.weight")


def test_a_tensor_in_two_stages_is_an_error() -> None:
    with pytest.raises(LookupError, match="is in 2 stages"):
        stage_of(stages(stem="conv1", rest="conv1.weight"), "conv1.weight")


def test_a_name_that_only_begins_like_the_head_is_backbone() -> None:
    parts = anatomy(Recipe(builder="torchvision/resnet18"))

    assert parts.role_of("fcx.weight") == "backbone"
    assert parts.role_of("fc.weight") == "head"


def test_tables_and_values_import_no_torch() -> None:
    modules = [
        "catalog_service.index.catalog_index",
        "catalog_service.index.sizes",
        "catalog_service.models.freeze_plan",
        "catalog_service.models.anatomy",
        "catalog_service.models.contracts",
        "catalog_service.models.head_arguments",
        "catalog_service.models.layout",
        "catalog_service.models.recipe",
        "catalog_service.models.roles",
        "catalog_service.models.spec",
        "catalog_service.models.tasks",
        "catalog_service.models.state_mismatch",
    ]
    program = (
        f"import sys, {', '.join(modules)}\n"
        "from catalog_service.models.families.table import families\n"
        "from catalog_service.index.catalog_index import CatalogIndex\n"
        "families(), CatalogIndex.load()\n"
        "sys.exit('torch' in sys.modules or 'torchvision' in sys.modules)"
    )

    assert run([sys.executable, "-c", program], check=False).returncode == 0
