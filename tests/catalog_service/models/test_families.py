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
from catalog_service.models.published_dinov3 import CONFIGURATIONS
from catalog_service.models.recipe import Recipe
from catalog_service.models.roles import stage_of

NUM_MEMBERS = {
    "alexnet": 1,
    "convnext": 4,
    "deeplabv3": 3,
    "densenet": 4,
    "dinov3_convnext": 4,
    "dinov3_vit": 6,
    "efficientnet": 11,
    "faster_rcnn": 4,
    "fcn": 2,
    "fcos": 1,
    "googlenet": 1,
    "inception_v3": 1,
    "keypoint_rcnn": 1,
    "lraspp": 1,
    "mask_rcnn": 2,
    "maxvit": 1,
    "mnasnet": 4,
    "mobilenet_v2": 1,
    "mobilenet_v3": 2,
    "mvit": 2,
    "raft": 2,
    "regnet": 15,
    "resnet": 5,
    "resnext": 3,
    "retinanet": 2,
    "s3d": 1,
    "shufflenet_v2": 4,
    "squeezenet": 2,
    "ssd": 1,
    "ssdlite": 1,
    "swin": 6,
    "vgg": 8,
    "video_resnet": 3,
    "video_swin": 3,
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
"""Pretrained head layers that a new classification task keeps; the other families have none."""

ABSENT = {"raft_small": {"mask_predictor"}}
"""Paths of a family's table that one member has not."""


WORDS = ("fc.", "classifier.", "roi_heads.", "mask_predictor.")


def test_the_families_are_every_float_architecture_and_dinov3() -> None:
    live = {name for name in torchvision.models.list_models() if "quantized" not in name}

    assert set(families()) == live | set(CONFIGURATIONS)
    assert (len(live), len(CONFIGURATIONS)) == (109, 10)
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
        named |= {*family.head_modules, *family.neck_modules, family.stem_of(name)}

        assert named | {family.final_layer} <= paths | ABSENT.get(name, set()), name


def test_roles_partition_the_parameters(layouts: dict[str, StateLayout]) -> None:
    for name, layout in layouts.items():
        by_role = {
            role: sum(tensor.num_parameters for tensor in layout.of_role(role))
            for role in ("backbone", "neck", "head", "aux")
        }

        assert sum(by_role.values()) == layout.num_parameters, name
        assert sum(stage.num_parameters for stage in layout.stages) == by_role["backbone"], name
        assert by_role["backbone"] == layout.num_backbone_parameters > 0, name
        assert (by_role["head"] > 0) == (family_of(name).task != "features"), name


def test_who_has_a_published_auxiliary_head(layouts: dict[str, StateLayout]) -> None:
    """GoogLeNet's are trained away by its publisher; LR-ASPP never had one."""
    assert {name for name, layout in layouts.items() if layout.of_role("aux")} == {
        "inception_v3",
        "fcn_resnet50",
        "fcn_resnet101",
        "deeplabv3_resnet50",
        "deeplabv3_resnet101",
        "deeplabv3_mobilenet_v3_large",
    }


def test_who_has_a_neck(layouts: dict[str, StateLayout]) -> None:
    with_neck = {family_of(name).name for name, layout in layouts.items() if layout.of_role("neck")}

    assert with_neck == {
        *("faster_rcnn", "mask_rcnn", "keypoint_rcnn", "retinanet", "fcos", "ssd", "ssdlite")
    }


@pytest.mark.parametrize("word", ["fc.", "classifier.", "roi_heads.", "mask_predictor."])
def test_the_words_of_the_usual_rule_are_head(layouts: dict[str, StateLayout], word: str) -> None:
    """The usual rule: a parameter is head where its name has one of these words, else backbone.

    Ours says the same of these words, but that what lies inside an auxiliary head
    (`AuxLogits.fc.`) is aux, which a new task may drop. It differs where the rule has no word: FPN
    and SSD's extra layers are neck, since they join maps and no classification backbone has them;
    the RPN, `head.` of RetinaNet, FCOS and SSD, RAFT's update block, and `heads.` and `head.` of
    transformers are head, since they would be worth nothing for another task and must train with a
    frozen backbone.
    """
    seen = 0
    for name, layout in layouts.items():
        for tensor in layout.tensors:
            if f".{word}" in f".{tensor.name}":
                assert tensor.role in ("head", "aux"), f"{name}: {tensor.name}"
                seen += tensor.role == "head"

    assert seen > 0


def test_what_the_usual_rule_calls_backbone_and_we_do_not(
    layouts: dict[str, StateLayout],
) -> None:
    others = {
        tensor.name.partition(".")[0] if tensor.role == "head" else tensor.role
        for layout in layouts.values()
        for tensor in layout.tensors
        if tensor.role != "backbone" and not any(f".{w}" in f".{tensor.name}" for w in WORDS)
    }

    assert others == {"neck", "aux", "rpn", "head", "heads", "update_block"}


def test_pretrained_head_layers_are_head_but_not_replaced(layouts: dict[str, StateLayout]) -> None:
    for name, layout in layouts.items():
        if family_of(name).task != "classification":
            continue
        kept = {
            tensor.name.rpartition(".")[0]
            for tensor in layout.of_role("head")
            if not any(is_inside(tensor.name, module) for module in layout.replaced_modules)
        }

        assert kept == KEPT_IN_THE_HEAD.get(family_of(name).name, set()), name


def test_replaced_modules_lie_inside_a_head(layouts: dict[str, StateLayout]) -> None:
    for layout in layouts.values():
        for module in layout.replaced_modules:
            heads = (*layout.head_modules, *layout.aux_modules)
            assert any(is_inside(module, head) for head in heads)


def test_a_trunk_has_the_names_and_shapes_of_its_architecture(
    layouts: dict[str, StateLayout],
) -> None:
    """So one backbone blob starts them all; frozen norms have no counter of batches."""
    num_trunks = 0
    for name, layout in layouts.items():
        if layout.backbone_architecture == name:
            continue
        backbone = layout.of_role("backbone")
        own = {layout.blob_name(t.name): t.shape for t in backbone}
        whole = {t.name: t.shape for t in layouts[layout.backbone_architecture].of_role("backbone")}
        missing = whole.keys() - own.keys()

        assert own.items() <= whole.items(), name
        assert all(each.endswith("num_batches_tracked") for each in missing), name
        assert all(layout.model_name(layout.blob_name(t.name)) == t.name for t in backbone), name
        num_trunks += 1

    assert num_trunks == 16


def test_every_architecture_has_a_first_layer_but_raft(skeletons: dict[str, nn.Module]) -> None:
    """A convolution that takes the image's three channels."""
    for name, module in skeletons.items():
        path = family_of(name).stem_of(name)
        if family_of(name).name == "raft":
            assert path == ""
            continue

        assert getattr(module.get_submodule(path), "in_channels", 0) == 3, name


@pytest.mark.parametrize("name", ["dinov3_vits16", "dinov3_convnext_tiny"])
def test_stages_follow_the_arguments(name: str) -> None:
    arguments = {"num_hidden_layers": 3, "depths": [1, 2, 1]}
    recipe = Recipe(builder=f"transformers/{name}", arguments=arguments)

    assert len(anatomy(recipe).stages) == (4 if "vit" in name else 3)


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
        "catalog_service.index.input_contract",
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
