"""DINOv3 files of four code bases, registered on a running catalog: one backbone."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from catalog_service.models.families.table import family_of
from tests.fakes.dinov3_files import hub, meta_convnext, meta_vit, timm_convnext, timm_vit
from tests.fakes.published_weights import PublishedFolder
from tests.services import running_catalog
from vertebra.catalog.v1.checkpoint_service_pb2 import Checkpoint
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed

State = Mapping[str, Tensor]
World = tuple[CatalogClient, dict[str, State]]
TINY = ("dinov3_vits16", "dinov3_vits16plus", "dinov3_convnext_tiny")
HEADS = {"tiny": 2, "full": 6}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A catalog that knows small configurations under the published ids, and a state of each."""
    folder = PublishedFolder(tmp_path_factory.mktemp("mirror"))
    states = {}
    for name in TINY:
        written = folder.write(name, arguments=family_of(name).tiny_arguments)
        states[name] = without_mask_token(written.canonical)
    with (
        running_catalog(
            tmp_path_factory.mktemp("catalog"), VERTEBRA_CATALOG_INDEX=str(folder.index_path)
        ) as service,
        CatalogClient(service.address) as client,
    ):
        yield client, states


@pytest.mark.parametrize("name", TINY)
def test_four_schemes_are_one_backbone(world: World, name: str, tmp_path: Path) -> None:
    client, states = world

    found = registered(client, name, schemes(name, states[name], HEADS["tiny"]), tmp_path)

    assert len({one.backbone_digest for one in found.values()}) == 1
    assert all(one.load_report.backbone_coverage == 1.0 for one in found.values())
    assert all(not one.load_report.missing for one in found.values())
    rules = {scheme: list(one.load_report.rules) for scheme, one in found.items()}
    assert rules["own"] == []
    for scheme in ("hub", "Meta", "timm"):
        assert all(rule.startswith(f"{scheme}: ") for rule in rules[scheme]), rules[scheme]
        assert rules[scheme]


def test_a_registered_meta_file_is_the_start_of_a_model(world: World, tmp_path: Path) -> None:
    client, states = world
    name = "dinov3_vits16"
    files = {"Meta": schemes(name, states[name], HEADS["tiny"])["Meta"]}
    checkpoint = registered(client, name, files, tmp_path, prefix="start")["Meta"]

    built = client.build_model(
        {
            "backbone": name,
            "weights": f"checkpoints/{checkpoint.checkpoint_id}",
            "classification": {"num_classes": 3},
        }
    )

    assert built.backbone_digest == checkpoint.backbone_digest


def test_a_file_of_other_rotary_periods_is_refused_by_name(world: World, tmp_path: Path) -> None:
    client, states = world
    name = "dinov3_vits16"
    file = dict(schemes(name, states[name], HEADS["tiny"])["Meta"])
    file["rope_embed.periods"] = file["rope_embed.periods"] * 2

    with pytest.raises(RpcFailed) as caught:
        registered(client, name, {"Meta": file}, tmp_path, prefix="other")

    assert caught.value.reason == "STATE_MISMATCH"
    assert "rope_embed.periods" in caught.value.message


@pytest.mark.full
def test_four_schemes_of_the_published_size_are_one_backbone(tmp_path: Path) -> None:
    """86 MB each, as published: zip files of torch.save for Meta's, safetensors for the others."""
    folder = PublishedFolder(tmp_path / "mirror")
    name = "dinov3_vits16"
    state = without_mask_token(folder.write(name).canonical)
    with (
        running_catalog(tmp_path / "catalog") as service,
        CatalogClient(service.address) as client,
    ):
        found = registered(client, name, schemes(name, state, HEADS["full"]), tmp_path)

    assert len({one.backbone_digest for one in found.values()}) == 1
    assert {one.load_report.num_loaded for one in found.values()} == {210, 211}


def schemes(name: str, state: State, num_heads: int) -> dict[str, State]:
    """Return the files of one state, by scheme."""
    others: dict[str, Callable[[State], State]] = {
        "Meta": lambda given: meta_vit(given, num_heads),
        "timm": timm_vit,
    }
    if "convnext" in name:
        others = {"Meta": meta_convnext, "timm": timm_convnext}
    return {"own": state, "hub": hub(state), **{key: to(state) for key, to in others.items()}}


def registered(
    client: CatalogClient,
    name: str,
    files: Mapping[str, State],
    folder: Path,
    prefix: str = "four",
) -> dict[str, Checkpoint]:
    """Upload and register each file; Meta's as its zip, the others as safetensors."""
    found = {}
    for scheme, state in files.items():
        path = folder / f"{name}.{scheme}"
        if scheme == "Meta":
            torch.save(dict(state), path)
        else:
            save_file({key: tensor.contiguous() for key, tensor in state.items()}, path)
        found[scheme] = client.register_checkpoint(
            checkpoint_id=f"{prefix}_{name}_{scheme}".lower(),
            architecture_id=name,
            blob_name=client.blobs.upload(path).name,
        )
    return found


def without_mask_token(state: State) -> State:
    """Return a state whose mask token is 0, as it begins: timm's files have none."""
    token = "embeddings.mask_token"
    return {**state, token: torch.zeros_like(state[token])} if token in state else dict(state)
