"""Backbones of other structure than published: registered with it, and started from with it."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.catalog_service.api.conftest import failure
from tests.services import running_catalog
from vertebra.catalog.v1 import model_service_pb2 as pb
from vertebra.catalog_client import CatalogClient

CLASSES = {"classification": {"num_classes": 2}}

TINY_VIT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}

STRUCTURES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "channels": ("shufflenet_v2_x0_5", {"in_channels": 5}),
    "removed": ("resnet18", {"remove_modules": ["layer4.1", "layer3.1"]}),
    "arguments": ("dinov3_vits16", {"arguments": TINY_VIT}),
    "rectangle": ("vit_b_32", {"image_height_px": 64, "image_width_px": 256}),
}
"""Of the last one's table 16 places are in 2 x 8, and not in 4 x 4."""

NAMES = [
    pytest.param(name, marks=pytest.mark.full) if name == "rectangle" else name
    for name in STRUCTURES
]
"""The smallest ViT has 350 MB."""

Built = Callable[[str], pb.BuiltModel]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CatalogClient]:
    home = tmp_path_factory.mktemp("structures")
    with running_catalog(home) as service, CatalogClient(service.address) as client:
        yield client


@pytest.fixture(scope="module")
def built(client: CatalogClient) -> Callable[[str], pb.BuiltModel]:
    """`built(name)` is a random model whose backbone is registered under its structure's name."""

    @cache
    def model_of(name: str) -> pb.BuiltModel:
        backbone, structure = STRUCTURES[name]
        spec = {"backbone": backbone, "pretrained": False, **CLASSES, **structure}
        model = client.build_model(spec)
        client.register_checkpoint(
            checkpoint_id=name,
            architecture_id=backbone,
            blob_name=model.parts[0].blob.name,
            structure=structure,
        )
        return model

    return model_of


def started_from(client: CatalogClient, name: str, **spec: Any) -> pb.BuiltModel:
    backbone, _ = STRUCTURES[name]
    asked = {"backbone": backbone, "weights": f"checkpoints/{name}", **CLASSES, **spec}
    return client.build_model(asked)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_gets_the_structure_of_what_it_starts_from(
    client: CatalogClient, built: Built, name: str
) -> None:
    """Nothing about the structure is said: bit by bit it is the backbone that was registered."""
    parent = built(name)

    model = started_from(client, name)

    assert model.backbone_digest == parent.backbone_digest
    assert model.load_report.backbone_coverage == 1.0
    for field, value in STRUCTURES[name][1].items():
        found = getattr(model.spec, field)
        assert (dict(found) if field == "arguments" else found) == value


@pytest.mark.parametrize("name", NAMES)
def test_a_resolved_spec_says_it_all_and_means_the_same(
    client: CatalogClient, built: Built, name: str
) -> None:
    built(name)
    first = started_from(client, name)

    again = client.build_model(first.spec)

    assert again.spec == first.spec
    assert (again.name, again.state_digest) == (first.name, first.state_digest)


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_tells_its_structure(client: CatalogClient, built: Built, name: str) -> None:
    built(name)

    told = client.get_checkpoint(name).structure

    for field, value in STRUCTURES[name][1].items():
        found = getattr(told, field)
        assert (dict(found) if field == "arguments" else found) == value


def test_a_published_structure_tells_none(client: CatalogClient) -> None:
    model = client.build_model({"backbone": "shufflenet_v2_x0_5", "pretrained": False, **CLASSES})

    registered = client.register_checkpoint(
        checkpoint_id="plain",
        architecture_id="shufflenet_v2_x0_5",
        blob_name=model.parts[0].blob.name,
    )

    assert not registered.HasField("structure")


def test_another_task_finds_the_modules_gone_under_its_own_names(
    client: CatalogClient, built: Built
) -> None:
    """`layer4.1` of a resnet18 is `backbone.layer4.1` of the segmentation model around it."""
    parent = built("removed")
    spec = {
        "backbone": "resnet18",
        "weights": "checkpoints/removed",
        "segmentation": {"num_classes": 2},
    }

    model = client.build_model(spec)

    assert list(model.spec.remove_modules) == ["backbone.layer4.1", "backbone.layer3.1"]
    assert model.backbone_digest == parent.backbone_digest


@pytest.mark.full
def test_a_table_of_a_rectangle_serves_images_of_other_sizes(
    client: CatalogClient, built: Built, tmp_path: Path
) -> None:
    """A corner's vector is that of the corner, which it is not where 2 x 8 is read as 4 x 4."""
    parent = built("rectangle")
    square = started_from(client, "rectangle", image_height_px=96, image_width_px=96)

    tables = []
    for model in (parent, square):
        path = tmp_path / model.backbone_digest.replace(":", "_")
        client.blobs.download(model.parts[0].blob.name, path)
        tables.append(load_file(path)["encoder.pos_embedding"][0, 1:])

    old, new = tables[0].reshape(2, 8, -1), tables[1].reshape(3, 3, -1)
    for corner in ((0, -1), (-1, 0)):
        assert (old[corner] - new[corner]).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("name", "asked", "field", "why"),
    [
        ("channels", {"in_channels": 3}, "spec.in_channels", "is for 5 channels, not for 3"),
        (
            "arguments",
            {"arguments": {"num_hidden_layers": 3}},
            "spec.arguments",
            "was registered with the arguments",
        ),
        (
            "removed",
            {"arguments": {"num_hidden_layers": 3}},
            "spec.arguments",
            "was registered with the published arguments",
        ),
    ],
)
def test_another_structure_than_the_registered_one_is_refused(
    client: CatalogClient,
    built: Built,
    name: str,
    asked: Mapping[str, Any],
    field: str,
    why: str,
) -> None:
    built(name)

    error = failure(lambda: started_from(client, name, **asked))

    assert why in str(error)
    assert error.violations[0].field == field


@pytest.mark.parametrize(
    ("backbone", "structure", "field"),
    [
        ("resnet18", {"remove_modules": ["layer9"]}, "structure.remove_modules"),
        ("resnet18", {"arguments": {"width": 3}}, "structure.arguments"),
        ("resnet18", {"in_channels": -1}, "structure.in_channels"),
        ("vit_b_32", {"image_height_px": 50, "image_width_px": 50}, "structure.image_height_px"),
    ],
)
def test_a_structure_that_an_architecture_cannot_have_is_refused(
    client: CatalogClient,
    built: Built,
    backbone: str,
    structure: Mapping[str, Any],
    field: str,
) -> None:
    error = failure(
        lambda: client.register_checkpoint(
            checkpoint_id="never",
            architecture_id=backbone,
            blob_name=built("removed").parts[0].blob.name,
            structure=structure,
        )
    )

    assert [one.field for one in error.violations] == [field]


def test_a_file_without_the_removed_modules_is_no_published_backbone(
    client: CatalogClient, built: Built
) -> None:
    """The structure is never guessed: who does not say it is told what is missing."""
    error = failure(
        lambda: client.register_checkpoint(
            checkpoint_id="never",
            architecture_id="resnet18",
            blob_name=built("removed").parts[0].blob.name,
        )
    )

    assert error.reason == "STATE_MISMATCH"
    assert "layer3.1" in str(error)


def test_statistics_have_a_number_for_each_channel(client: CatalogClient, built: Built) -> None:
    five = [0.1, 0.2, 0.3, 0.4, 0.5]
    client.register_checkpoint(
        checkpoint_id="five",
        architecture_id="shufflenet_v2_x0_5",
        blob_name=built("channels").parts[0].blob.name,
        structure={"in_channels": 5},
        mean=five,
        std=five,
    )

    spec = {"backbone": "shufflenet_v2_x0_5", "weights": "checkpoints/five", **CLASSES}
    model = client.build_model(spec)

    assert list(model.input.mean) == list(model.input.std) == five


def test_the_same_request_with_a_structure_is_answered_once(
    client: CatalogClient, built: Built
) -> None:
    """And a request id that was used without it is not taken for the same."""
    request: dict[str, Any] = {
        "checkpoint_id": "again",
        "architecture_id": "resnet18",
        "blob_name": built("removed").parts[0].blob.name,
        "request_id": str(uuid.uuid4()),
    }
    structure = {"remove_modules": ["layer4.1", "layer3.1"]}

    answers = [client.register_checkpoint(**request, structure=structure) for _ in range(2)]
    error = failure(lambda: client.register_checkpoint(**request))

    assert answers[0] == answers[1]
    assert error.reason == "REQUEST_ID_REUSED"
