"""What of a model's spec belongs to its backbone, under the backbone architecture's names."""

from dataclasses import replace

from catalog_service.models.backbone_structure import BackboneStructure, structure_of
from catalog_service.models.layout import PrefixRename, StateLayout
from catalog_service.models.spec import ModelSpec
from tests.fakes.job_values import LAYOUT


def of(layout: StateLayout, **spec: object) -> BackboneStructure:
    return structure_of(ModelSpec(backbone="any", **spec), layout)  # type: ignore[arg-type]


def test_a_model_as_published_has_the_published_structure() -> None:
    """Three channels are said in every resolved spec, and so is the size of the images."""
    found = of(LAYOUT, in_channels=3, image_height_px=96, image_width_px=64)

    assert found.is_published


def test_what_was_changed_is_kept() -> None:
    found = of(LAYOUT, in_channels=5, arguments={"depth": 2}, remove_modules=("layer2",))

    assert not found.is_published
    assert found.definition("resnet18") == ModelSpec(
        backbone="resnet18",
        pretrained=False,
        in_channels=5,
        arguments={"depth": 2},
        remove_modules=("layer2",),
    )


def test_modules_have_the_names_of_the_backbone_alone_and_the_heads_stay_out() -> None:
    rule = PrefixRename(blob_prefix="", model_prefix="backbone.")
    composed = replace(LAYOUT, backbone_names=(rule,), head_modules=("classifier",))

    found = of(composed, remove_modules=("backbone.layer2.1", "classifier.3"))

    assert found.remove_modules == ("layer2.1",)


def test_a_position_table_is_of_a_size() -> None:
    layout = replace(LAYOUT, backbone_architecture="vit_b_16")

    found = of(layout, in_channels=3, image_height_px=96, image_width_px=64)

    assert found.image_px == (96, 64)
