"""Wrapped backbones get their canonical names back, whatever wrapped them."""

import pytest

from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.checkpoints.remap import StateAmbiguous, remap
from catalog_service.models.layout import StateLayout, TensorInfo
from catalog_service.weights.published_layouts import NamesCollide

NAMES = {
    "conv1.weight": (8, 3, 3, 3),
    "bn1.weight": (8,),
    "layer1.0.conv1.weight": (8, 8, 3, 3),
    "layer1.0.bn1.weight": (8,),
    "fc.weight": (10, 8),
}


def layout() -> StateLayout:
    tensors = tuple(
        TensorInfo(
            name=name,
            dtype="F32",
            shape=shape,
            role="head" if name.startswith("fc") else "backbone",
        )
        for name, shape in NAMES.items()
    )
    return StateLayout(
        tensors=tensors,
        stages=(),
        head_modules=("fc",),
        replaced_modules=("fc",),
        layout_digest="",
    )


def tensors(*prefixes: str, extra: dict[str, tuple[int, ...]] | None = None) -> list[TensorSpec]:
    shapes = {f"{prefix}{name}": shape for prefix in prefixes for name, shape in NAMES.items()}
    return [
        TensorSpec(name=name, dtype="F32", shape=shape)
        for name, shape in {**shapes, **(extra or {})}.items()
    ]


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "module.",
        "_orig_mod.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "module.module._orig_mod.",
        "backbone.",
        "encoder.",
        "model.backbone.",
        "module.model.encoder.",
        "student.backbone.",
        "online_network.encoder.net.",
        "anything.at.all.",
    ],
)
def test_every_wrapper_is_removed_and_reported(prefix: str) -> None:
    found = remap(tensors(prefix), layout(), "resnet")

    assert found.names == {f"{prefix}{name}": name for name in NAMES}
    assert bool(found.rules) == bool(prefix)
    assert found.dropped == ()


def test_wrappers_inside_the_tree_are_removed_too() -> None:
    inner = [
        TensorSpec(
            name=name.replace("layer1.", "layer1._checkpoint_wrapped_module."),
            dtype="F32",
            shape=shape,
        )
        for name, shape in NAMES.items()
    ]

    assert sorted(remap(inner, layout(), "resnet").names.values()) == sorted(NAMES)


def test_a_prefix_is_removed_as_a_whole_not_letter_by_letter() -> None:
    """`key.lstrip("backbone.")` turns `backbone.conv1.weight` into `v1.weight`."""
    assert "backbone.conv1.weight".lstrip("backbone.") == "v1.weight"  # noqa: B005

    assert remap(tensors("backbone."), layout(), "resnet").names["backbone.conv1.weight"] == (
        "conv1.weight"
    )


def test_what_lies_beside_the_backbone_is_dropped_and_reported() -> None:
    extra = {"projector.0.weight": (4, 4), "backbone_momentum.x": (1,)}

    found = remap(tensors("backbone.", extra=extra), layout(), "resnet")

    assert sorted(found.dropped) == sorted(extra)


def test_modules_that_the_architecture_does_not_have_are_dropped_beside_the_top_level() -> None:
    found = remap(tensors("", extra={"projector.weight": (2,)}), layout(), "resnet")

    assert found.dropped == ("projector.weight",)
    assert "layer1.0.conv1.weight" in found.names


def test_two_trees_that_fit_equally_well_are_for_a_person_to_choose_from() -> None:
    with pytest.raises(StateAmbiguous, match=r"'student\.', 'teacher\.' hold a backbone each"):
        remap(tensors("student.", "teacher."), layout(), "resnet")


def test_a_file_without_any_known_name_stays_as_it_is() -> None:
    """What is missing is then named by the strict fit."""
    odd = [TensorSpec(name="a.b", dtype="F32", shape=(1,))]

    found = remap(odd, layout(), "resnet")

    assert found.names == {}
    assert found.dropped == ("a.b",)


@pytest.mark.parametrize("prefixes", [("", "module."), ("module.", ""), ("", "_orig_mod.")])
def test_nobody_chooses_between_a_wrapped_and_a_plain_tensor_of_one_name(
    prefixes: tuple[str, str],
) -> None:
    """Without the wrapper both are `conv1.weight`, with other numbers."""
    with pytest.raises(NamesCollide, match=r"two tensors for each of bn1\.weight, conv1\.weight"):
        remap(tensors(*prefixes), layout(), "resnet")
