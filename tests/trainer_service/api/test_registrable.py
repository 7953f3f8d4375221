"""A backbone that no later model could start from is told before it is trained."""

from dataclasses import replace

import pytest

from catalog_service.errors import InvalidRequest
from catalog_service.models.contracts import OutputContract
from catalog_service.models.layout import PrefixRename, StateLayout, TensorInfo
from catalog_service.models.spec import ModelSpec
from tests.fakes.job_values import INPUT, LAYOUT
from trainer_service.api.registrable import require_registrable
from trainer_service.catalog_gateway import ModelDescription

COUNTER = TensorInfo(name="layer1.num_batches_tracked", dtype="I64", shape=(), role="backbone")
TABLE = TensorInfo(name="encoder.pos_embedding", dtype="F32", shape=(1, 5, 4), role="backbone")


def described(layout: StateLayout, width_px: int = 32) -> ModelDescription:
    return ModelDescription(
        spec=ModelSpec(backbone="any"),
        layout=layout,
        input=replace(INPUT, width_px=width_px),
        output=OutputContract(shape=(2,), class_names=("cat", "dog")),
    )


def with_tensors(*tensors: TensorInfo, architecture: str = "resnet18") -> StateLayout:
    return replace(LAYOUT, tensors=tensors, backbone_architecture=architecture)


def test_the_published_backbone_is_registered_also_inside_another_model() -> None:
    rule = PrefixRename(blob_prefix="", model_prefix="backbone.")
    inside = [replace(t, name=f"backbone.{t.name}") for t in LAYOUT.of_role("backbone")]
    composed = replace(with_tensors(*inside), backbone_names=(rule,))

    require_registrable(described(composed), LAYOUT)
    require_registrable(described(LAYOUT), with_tensors(COUNTER, *LAYOUT.tensors))


@pytest.mark.parametrize(
    ("tensors", "name"),
    [
        (LAYOUT.tensors[1:], "layer1.weight"),
        ((replace(LAYOUT.tensors[0], shape=(4, 5)), *LAYOUT.tensors[1:]), "layer1.weight"),
        ((*LAYOUT.tensors, replace(LAYOUT.tensors[0], name="layer3.weight")), "layer3.weight"),
    ],
)
def test_another_structure_is_refused_with_what_differs(
    tensors: tuple[TensorInfo, ...], name: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"differs in {name}; leave") as caught:
        require_registrable(described(with_tensors(*tensors)), LAYOUT)

    assert [one.field for one in caught.value.violations] == ["spec.export.register_as"]


def test_a_position_table_may_have_the_size_of_another_square_only() -> None:
    published = with_tensors(TABLE, architecture="vit_b_16")
    ours = with_tensors(replace(TABLE, shape=(1, 9, 4)), architecture="vit_b_16")

    require_registrable(described(ours), published)
    for layout in (ours, published):
        with pytest.raises(InvalidRequest, match=r"differs in encoder\.pos_embedding"):
            require_registrable(described(layout, width_px=64), published)
