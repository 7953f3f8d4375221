"""Published dense weights fill trunk, neck and head, and their backbone serves other tasks."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.model_wire import layout_from_message, recipe_from_message
from catalog_service.models.assemble import assemble
from catalog_service.models.initialise import random_state
from tests.fakes.published_weights import PublishedFile, PublishedFolder
from tests.services import running_catalog
from vertebra.catalog.v1 import model_service_pb2 as pb
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed

Fails = Callable[[Callable[[], object]], RpcFailed]

NAMES = ("lraspp_mobilenet_v3_large", "ssdlite320_mobilenet_v3_large")
"""The smallest of segmentation and of detection."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dense")


@pytest.fixture(scope="module")
def dense(home: Path) -> dict[str, PublishedFile]:
    folder = PublishedFolder(home / "mirror")
    return {name: folder.write(name) for name in NAMES}


@pytest.fixture(scope="module")
def client(home: Path, dense: dict[str, PublishedFile]) -> Iterator[CatalogClient]:
    mirror = home / "mirror"
    with (
        running_catalog(
            home,
            VERTEBRA_CATALOG_MIRRORS=str(mirror),
            VERTEBRA_CATALOG_INDEX=str(mirror / "index.json"),
        ) as service,
        CatalogClient(service.address) as client,
    ):
        yield client


def path_of(home: Path, digest: str) -> Path:
    name = digest.removeprefix("sha256:")
    return home / "blobs" / "sha256" / name[:2] / name


def files_of(home: Path, built: pb.BuiltModel) -> list[Path]:
    return [path_of(home, part.blob.digest) for part in built.parts]


@pytest.mark.parametrize("name", NAMES)
def test_a_published_dense_weight_fills_every_part(
    client: CatalogClient, home: Path, dense: dict[str, PublishedFile], name: str
) -> None:
    built = client.build_model({"backbone": name})

    report = built.load_report
    assert report.num_loaded == report.num_expected == len(dense[name].canonical)
    assert not report.initialised and not report.dropped
    state = assemble(recipe_from_message(built.recipe), *files_of(home, built)).state_dict()
    for key, tensor in dense[name].canonical.items():
        assert torch.equal(state[key], tensor), key


def test_its_backbone_blob_has_the_trunks_names_and_starts_another_head(
    client: CatalogClient, home: Path, dense: dict[str, PublishedFile]
) -> None:
    name = "lraspp_mobilenet_v3_large"
    published = client.build_model({"backbone": name})
    new = client.build_model({"backbone": name, "segmentation": {"num_classes": 4}})

    assert new.parts[0] == published.parts[0]
    trunk = load_file(files_of(home, new)[0])
    layout = layout_from_message(new.layout)
    assert layout.backbone_architecture == "mobilenet_v3_large"
    assert "features.0.0.weight" in trunk
    canonical = dense[name].canonical
    assert all(torch.equal(t, canonical[layout.model_name(n)]) for n, t in trunk.items())
    assert not [rule for rule in new.load_report.rules if "prefix" in rule]
    kept = {t.name for t in layout.of_role("head")} - set(new.load_report.initialised)
    assert kept, "layers before the classes are the published ones"
    assert set(new.load_report.dropped) == set(new.load_report.initialised)


def test_the_trunk_of_a_dense_weight_starts_a_classifier(client: CatalogClient) -> None:
    name = "lraspp_mobilenet_v3_large"
    spec = {"backbone": "mobilenet_v3_large", "weights": name}

    built = client.build_model({**spec, "classification": {"num_classes": 2}})

    assert built.backbone_digest == client.build_model({"backbone": name}).backbone_digest
    assert built.load_report.backbone_coverage == 1.0
    assert {name.split(".")[0] for name in built.load_report.dropped} == {"classifier"}
    assert "renamed the backbone's prefix" in " ".join(built.load_report.rules)


def test_a_new_detection_head_keeps_the_published_neck(
    client: CatalogClient, dense: dict[str, PublishedFile]
) -> None:
    name = "ssdlite320_mobilenet_v3_large"

    built = client.build_model({"backbone": name, "detection": {"num_classes": 2}})

    layout = layout_from_message(built.layout)
    neck = {tensor.name for tensor in layout.of_role("neck")}
    assert neck and not neck & set(built.load_report.initialised)
    assert built.load_report.num_loaded == len(layout.tensors) - len(built.load_report.initialised)


def test_a_dinov3_backbone_is_registered_and_starts_a_task(
    client: CatalogClient, home: Path
) -> None:
    state = random_state(CatalogIndex.load().recipe_for("dinov3_vits16"), 5)
    save_file({f"module.{name}": tensor for name, tensor in state.items()}, home / "dino")
    blob = client.blobs.upload(home / "dino")
    client.register_checkpoint(
        checkpoint_id="dino", architecture_id="dinov3_vits16", blob_name=blob.name
    )

    spec = {"backbone": "dinov3_vits16", "weights": "checkpoints/dino"}
    built = client.build_model({**spec, "classification": {"num_classes": 3}})

    assert built.backbone_digest == client.get_checkpoint("dino").backbone_digest
    model = assemble(recipe_from_message(built.recipe), *files_of(home, built)).eval()
    assert not [name for name, buffer in model.named_buffers() if buffer.is_meta]
    with torch.no_grad():
        assert model(torch.rand(1, 3, 32, 32)).shape == (1, 3)


def test_a_backbone_whose_blob_is_gone_says_so(
    client: CatalogClient, fails: Fails, home: Path
) -> None:
    name = "shufflenet_v2_x0_5"
    save_file(random_state(CatalogIndex.load().recipe_for(name), 9), home / "lost")
    blob = client.blobs.upload(home / "lost")
    client.register_checkpoint(checkpoint_id="lost", architecture_id=name, blob_name=blob.name)
    spec = {"backbone": name, "weights": "checkpoints/lost", "classification": {"num_classes": 2}}
    built = client.build_model(spec)
    path_of(home, built.parts[0].blob.digest).unlink(missing_ok=True)
    path_of(home, client.get_checkpoint("lost").blob.digest).unlink(missing_ok=True)

    error = fails(lambda: client.build_model(spec))

    assert error.reason == "BLOB_NOT_FOUND"
    assert client.build_model(spec, definition_only=True).num_parameters
