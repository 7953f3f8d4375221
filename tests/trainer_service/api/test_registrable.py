"""A backbone that no later model could start from is told before it is trained."""

import asyncio
from dataclasses import replace

import pytest

from catalog_service.errors import InvalidRequest, invalid
from catalog_service.models.contracts import OutputContract
from catalog_service.models.layout import PrefixRename, StateLayout, TensorInfo
from catalog_service.models.spec import ModelSpec
from tests.fakes.fake_catalog_gateway import FakeCatalogGateway
from tests.fakes.job_values import INPUT, LAYOUT
from trainer_service.api.registrable import require_registrable, require_same_backbone
from trainer_service.catalog_gateway import ModelDescription

COUNTER = TensorInfo(name="layer1.num_batches_tracked", dtype="I64", shape=(), role="backbone")


def described(layout: StateLayout, **spec: object) -> ModelDescription:
    return ModelDescription(
        spec=ModelSpec(backbone="resnet18", **spec),  # type: ignore[arg-type]
        layout=layout,
        input=INPUT,
        output=OutputContract(shape=(2,), class_names=("cat", "dog")),
    )


def with_tensors(*tensors: TensorInfo) -> StateLayout:
    return replace(LAYOUT, tensors=tensors)


def test_the_published_backbone_is_registered_also_inside_another_model() -> None:
    rule = PrefixRename(blob_prefix="", model_prefix="backbone.")
    inside = [replace(t, name=f"backbone.{t.name}") for t in LAYOUT.of_role("backbone")]
    composed = replace(with_tensors(*inside), backbone_names=(rule,))

    require_same_backbone(composed, LAYOUT)
    require_same_backbone(LAYOUT, with_tensors(COUNTER, *LAYOUT.tensors))


def test_a_backbone_without_a_module_is_compared_with_one_without_it() -> None:
    """It is registered with what it lacks, so a later model lacks it too."""
    short = with_tensors(*(t for t in LAYOUT.tensors if t.name != "layer2.weight"))

    asyncio.run(
        require_registrable(described(short, remove_modules=("layer2",)), FakeCatalogGateway())
    )


@pytest.mark.parametrize(
    ("tensors", "name"),
    [
        (LAYOUT.tensors[1:], "layer1.weight"),
        ((replace(LAYOUT.tensors[0], shape=(4, 5)), *LAYOUT.tensors[1:]), "layer1.weight"),
        ((*LAYOUT.tensors, replace(LAYOUT.tensors[0], name="layer3.weight")), "layer3.weight"),
    ],
)
def test_what_its_structure_does_not_explain_is_refused(
    tensors: tuple[TensorInfo, ...], name: str
) -> None:
    model = described(with_tensors(*tensors))

    with pytest.raises(InvalidRequest, match=f"differs in {name}; leave") as caught:
        asyncio.run(require_registrable(model, FakeCatalogGateway()))

    assert [one.field for one in caught.value.violations] == ["spec.export.register_as"]


def test_a_structure_that_the_architecture_alone_cannot_have_is_refused() -> None:
    catalog = FakeCatalogGateway(alone_failure=invalid([]))

    with pytest.raises(InvalidRequest, match="resnet18 alone cannot have its structure"):
        asyncio.run(require_registrable(described(LAYOUT), catalog))
