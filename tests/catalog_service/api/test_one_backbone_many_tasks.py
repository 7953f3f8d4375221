"""A registered backbone starts every task of its trunk, through a running catalog."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from catalog_service.blobs.state_digest import state_digest, tensor_digests
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.model_wire import layout_from_message, recipe_from_message
from catalog_service.models.assemble import assemble
from catalog_service.models.initialise import random_state
from tests.services import running_catalog
from vertebra.catalog.v1 import model_service_pb2 as pb
from vertebra.catalog_client import CatalogClient

COUNTER = "num_batches_tracked"

TASKS: Mapping[str, Mapping[str, Any]] = {
    "classification": {"backbone": "resnet50", "classification": {"num_classes": 3}},
    "fcn": {"backbone": "fcn_resnet50", "segmentation": {"num_classes": 3}},
    "deeplabv3": {"backbone": "deeplabv3_resnet50", "segmentation": {"num_classes": 3}},
}
"""Whose backbone is all of the registered one."""

FASTER_RCNN = {"backbone": "fasterrcnn_resnet50_fpn", "detection": {"num_classes": 3}}

COMPOSED: Mapping[str, Mapping[str, Any]] = {
    "pooled": {"classification": {"num_classes": 3, "pooling": "gem"}},
    "segmentation": {"segmentation": {"num_classes": 3}},
    "detection": {"detection": {"num_classes": 3}},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tasks")


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[CatalogClient]:
    with running_catalog(home) as service, CatalogClient(service.address) as client:
        yield client


@pytest.fixture(scope="module")
def resnet50(client: CatalogClient, home: Path) -> dict[str, Tensor]:
    """The numbers of `checkpoints/trunk50`, under resnet50's names."""
    return registered(client, home, "resnet50", "trunk50")


@pytest.fixture(scope="module")
def resnet18(client: CatalogClient, home: Path) -> dict[str, Tensor]:
    """The numbers of `checkpoints/trunk18`, under resnet18's names."""
    return registered(client, home, "resnet18", "trunk18")


def registered(
    client: CatalogClient, home: Path, architecture_id: str, checkpoint_id: str
) -> dict[str, Tensor]:
    whole = random_state(CatalogIndex.load().recipe_for(architecture_id), 5)
    state = {name: tensor for name, tensor in whole.items() if not name.startswith("fc.")}
    save_file(state, home / checkpoint_id)
    blob = client.blobs.upload(home / checkpoint_id)
    client.register_checkpoint(
        checkpoint_id=checkpoint_id, architecture_id=architecture_id, blob_name=blob.name
    )
    return state


def files_of(home: Path, built: pb.BuiltModel) -> list[Path]:
    """Return the files of a model's backbone and head in the catalog's store."""
    names = [part.blob.digest.removeprefix("sha256:") for part in built.parts]
    return [home / "blobs" / "sha256" / name[:2] / name for name in names]


def test_a_registered_resnet50_starts_classification_and_segmentation(
    client: CatalogClient, home: Path, resnet50: dict[str, Tensor]
) -> None:
    expected = client.get_checkpoint("trunk50").backbone_digest

    built = {
        name: client.build_model({**spec, "weights": "checkpoints/trunk50"})
        for name, spec in TASKS.items()
    }

    assert {model.backbone_digest for model in built.values()} == {expected}
    assert len({model.parts[0].blob.digest for model in built.values()}) == 1
    assert load_file(files_of(home, built["fcn"])[0]).keys() == resnet50.keys()
    for model in built.values():
        report = model.load_report
        assert report.backbone_coverage == 1.0
        assert report.num_loaded == len(resnet50)
        assert not report.missing and not report.unexpected and not report.misshapen
        outside = [t.name for t in model.layout.tensors if t.name not in report.initialised]
        assert len(outside) == len(resnet50)
    [rename] = [rule for rule in built["fcn"].load_report.rules if "prefix" in rule]
    assert rename == "renamed the backbone's prefix '' to 'backbone.'"


def test_a_registered_resnet50_starts_faster_rcnn_without_its_counters(
    client: CatalogClient, home: Path, resnet50: dict[str, Tensor]
) -> None:
    """Frozen batch norm has none; every other number is the backbone's."""
    built = client.build_model({**FASTER_RCNN, "weights": "checkpoints/trunk50"})

    report = built.load_report
    counters = [name for name in resnet50 if name.endswith(COUNTER)]
    assert sorted(report.dropped) == sorted(counters)
    assert f"{len(counters)} counters dropped" in " ".join(report.rules)
    assert report.backbone_coverage == 1.0 and not report.unexpected
    module = assemble(recipe_from_message(built.recipe), *files_of(home, built))
    state = module.state_dict()
    for name in resnet50.keys() - set(counters):
        assert torch.equal(state[f"backbone.body.{name}"], resnet50[name]), name
    assert not any(name.endswith(COUNTER) for name in state if name.startswith("backbone.body."))
    eps = {m.eps for n, m in module.named_modules() if "body" in n and hasattr(m, "eps")}
    assert eps == {1e-5}, "0.0 belongs to the published detector's numbers"


@pytest.mark.parametrize("kind", COMPOSED)
def test_a_registered_resnet18_starts_composed_models(
    client: CatalogClient, home: Path, resnet18: dict[str, Tensor], kind: str
) -> None:
    spec = {"backbone": "resnet18", "weights": "checkpoints/trunk18", **COMPOSED[kind]}

    built = client.build_model(spec)

    assert built.backbone_digest == client.get_checkpoint("trunk18").backbone_digest
    layout = layout_from_message(built.layout)
    state = assemble(recipe_from_message(built.recipe), *files_of(home, built)).state_dict()
    for name, tensor in resnet18.items():
        assert torch.equal(state[layout.model_name(name)], tensor), name
    assert layout.model_name("conv1.weight") != "conv1.weight"
    assert set(built.load_report.initialised) == {
        tensor.name for tensor in layout.tensors if tensor.role != "backbone"
    }
    named = [
        type(each)(name=layout.model_name(each.name), **fields(each))
        for each in tensor_digests(files_of(home, built)[0])
    ]
    assert built.state_digest == state_digest([*named, *tensor_digests(files_of(home, built)[1])])


def test_a_head_never_seen_before_leaves_the_backbone_alone(
    client: CatalogClient, home: Path, resnet18: dict[str, Tensor]
) -> None:
    """What the first build wrote serves the second one as it is."""
    spec = {"backbone": "resnet18", "weights": "checkpoints/trunk18"}
    first = client.build_model({**spec, "classification": {"num_classes": 3}})
    backbone = files_of(home, first)[0]
    stamp = backbone.stat()

    second = client.build_model({**spec, "classification": {"num_classes": 77}})

    assert second.parts[0] == first.parts[0]
    assert second.parts[1] != first.parts[1]
    assert backbone.stat().st_ino == stamp.st_ino
    assert second.backbone_digest == first.backbone_digest
    assert second.load_report.num_loaded == first.load_report.num_loaded == len(resnet18)
    assert second.name != first.name


def fields(digest: Any) -> dict[str, Any]:
    return {"dtype": digest.dtype, "shape": digest.shape, "sha256": digest.sha256}
