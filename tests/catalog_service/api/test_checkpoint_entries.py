"""Checkpoints by path, by tree, without bytes, under inherited terms, and off the list again."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import torch
from safetensors.torch import save_file

from catalog_service.weights.verification import stamp_of
from tests.fakes.published_weights import PublishedFile, PublishedFolder
from tests.services import running_catalog
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed
from vertebra.model.v1.lineage_pb2 import Lineage, ResultRow

Fails = Callable[[Callable[[], object]], RpcFailed]

ARCHITECTURE = "shufflenet_v2_x0_5"
DINOV3 = "huggingface/facebook/dinov3-vits16-pretrain-lvd1689m"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the catalog may read."""
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="module")
def client(
    folder: Path,
    published: dict[str, PublishedFile],
    published_folder: PublishedFolder,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[CatalogClient]:
    """A client of a catalog of these tests."""
    with (
        running_catalog(
            tmp_path_factory.mktemp("catalog"),
            VERTEBRA_CATALOG_CHECKPOINT_FOLDERS=str(folder),
            VERTEBRA_CATALOG_INDEX=str(published_folder.index_path),
        ) as service,
        CatalogClient(service.address) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def state(published: dict[str, PublishedFile]) -> dict[str, torch.Tensor]:
    return dict(published[ARCHITECTURE].canonical)


@pytest.fixture(scope="module")
def file(folder: Path, state: dict[str, torch.Tensor]) -> Path:
    path = folder / "backbone.safetensors"
    save_file(state, path)
    return path


def register(client: CatalogClient, checkpoint_id: str, **fields: Any) -> Any:
    return client.register_checkpoint(
        **{"checkpoint_id": checkpoint_id, "architecture_id": ARCHITECTURE, **fields}
    )


def changed(state: dict[str, torch.Tensor], by: float) -> dict[str, torch.Tensor]:
    return {n: t + by if t.is_floating_point() else t.clone() for n, t in state.items()}


def test_a_file_on_the_catalogs_host_is_registered_by_its_path(
    client: CatalogClient, file: Path
) -> None:
    before = stamp_of(file)

    found = register(client, "by_path", path=str(file))

    assert found.has_bytes
    assert found.load_report.backbone_coverage == 1.0
    assert found.source_digest == found.lineage.source_digest != ""
    assert stamp_of(file) == before


def test_paths_outside_and_files_that_are_not_there_are_told_apart(
    client: CatalogClient, folder: Path, fails: Fails
) -> None:
    outside = fails(lambda: register(client, "outside", path="/etc/passwd"))
    absent = fails(lambda: register(client, "absent", path=f"{folder}/none.ckpt"))
    both = fails(lambda: register(client, "both", path="/x", blob_name=f"blobs/sha256:{'0' * 64}"))

    assert (outside.code, outside.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "PATH_NOT_ALLOWED",
    )
    assert (absent.code, absent.reason) == (grpc.StatusCode.NOT_FOUND, "FILE_NOT_FOUND")
    assert both.violations[0].field == "path"


def test_a_file_must_have_the_digest_that_the_caller_names(
    client: CatalogClient, file: Path, fails: Fails
) -> None:
    wrong = f"sha256:{'1' * 64}"

    error = fails(lambda: register(client, "pinned", path=str(file), source_digest=wrong))

    assert (error.code, error.reason) == (grpc.StatusCode.DATA_LOSS, "DIGEST_MISMATCH")
    right = register(client, "pinned2", path=str(file)).source_digest
    assert register(client, "pinned", path=str(file), source_digest=right).has_bytes


def test_of_two_backbones_in_a_file_the_caller_chooses(
    client: CatalogClient, folder: Path, state: dict[str, torch.Tensor], fails: Fails
) -> None:
    """Student and teacher: nobody chooses silently."""
    teacher = changed(state, 1.0)
    both = {
        **{f"student.{name}": tensor for name, tensor in state.items()},
        **{f"teacher.{name}": tensor for name, tensor in teacher.items()},
    }
    save_file(both, folder / "both.safetensors")
    save_file(teacher, folder / "teacher.safetensors")

    def take(checkpoint_id: str, **fields: Any) -> Any:
        return register(client, checkpoint_id, path=f"{folder}/both.safetensors", **fields)

    ambiguous = fails(lambda: take("ambiguous"))
    nothing = fails(lambda: take("nothing", prefix="ema."))
    chosen = take("teacher", prefix="teacher.")
    alone = register(client, "alone", path=f"{folder}/teacher.safetensors")

    assert (ambiguous.code, ambiguous.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "CHECKPOINT_AMBIGUOUS",
    )
    assert "prefix" in ambiguous.message
    assert nothing.violations[0].field == "prefix"
    assert chosen.backbone_digest == alone.backbone_digest


def test_an_entry_without_bytes_says_how_to_get_them_until_it_has_them(
    client: CatalogClient, file: Path, fails: Fails
) -> None:
    remedies = {"recipe": "vertebra train --simclr ...", "contact": "anna@example.org"}
    spec = {
        "backbone": ARCHITECTURE,
        "weights": "checkpoints/promised",
        "classification": {"num_classes": 2},
    }

    promised = register(client, "promised", remedies=remedies)
    nothing = fails(lambda: client.build_model(spec))
    completed = register(client, "promised", path=str(file), remedies=remedies)
    model = client.build_model(spec)

    assert not promised.has_bytes
    assert not promised.HasField("blob")
    assert (nothing.code, nothing.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "WEIGHTS_UNAVAILABLE",
    )
    assert "anna@example.org" in nothing.message
    assert "vertebra train --simclr" in nothing.message
    assert completed.has_bytes
    assert completed.remedies.contact == "anna@example.org"
    assert model.backbone_digest == completed.backbone_digest
    assert client.get_checkpoint("promised") == completed


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "blob_name"),
        ({"remedies": {"contact": "a"}, "architecture_id": ""}, "architecture_id"),
        ({"remedies": {"contact": "a"}, "prefix": "x."}, "prefix"),
        ({"remedies": {"origin_urls": ["file:///etc/passwd"]}}, "remedies.origin_urls"),
        ({"remedies": {"origin_urls": ["https://me:pw@host/x"]}}, "remedies.origin_urls"),
        ({"remedies": {"contact": "a" * 5000}}, "remedies.contact"),
        ({"remedies": {"contact": "a"}, "source_digest": "sha256:12"}, "source_digest"),
        ({"lineage": Lineage(learning_rate=float("nan"))}, "lineage.learning_rate"),
        ({"lineage": Lineage(augmentations=["flip"] * 101)}, "lineage.augmentations"),
        ({"lineage": Lineage(results=[ResultRow(metrics={"x": float("inf")})])}, "lineage.results"),
    ],
)
def test_what_makes_no_entry_names_its_field(
    client: CatalogClient, fails: Fails, fields: dict[str, Any], field: str
) -> None:
    given = {"remedies": {"contact": "a"}, **fields} if "lineage" in fields else fields

    error = fails(lambda: register(client, "malformed", **given))

    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert field in [violation.field for violation in error.violations]


def test_a_url_with_a_password_is_refused_without_repeating_it(
    client: CatalogClient, fails: Fails
) -> None:
    """Messages end up in terminals and logs of build machines."""
    urls = ["https://me:sesame@host/x?token=sesame"]
    remedies = {"origin_urls": urls}

    error = fails(lambda: register(client, "secret", remedies=remedies))

    assert "https://host/x" in error.message
    assert "without a user and password" in error.message
    assert "sesame" not in error.message


def test_a_digest_that_is_none_is_not_taken_for_a_blob(client: CatalogClient, fails: Fails) -> None:
    remedies = {"contact": "a"}

    error = fails(lambda: register(client, "short", remedies=remedies, source_digest="sha256:12"))

    assert "'sha256:12' is no sha256:<64 lower-case hex digits>" in error.message
    assert "blob" not in error.message


def test_how_it_was_trained_is_kept_whole(client: CatalogClient, file: Path) -> None:
    lineage = Lineage(
        parent="random, seed 0",
        licence="MIT",
        method="simclr",
        dataset="pets",
        num_images=1000,
        num_epochs=8,
        loss="nt_xent",
        augmentations=["random_resized_crop scale 0.2-1", "gaussian_blur"],
        optimizer="lars",
        learning_rate=0.3,
        lr_rule="linear",
        batch_size=256,
        results=[ResultRow(setting="10 %, frozen", metrics={"iou": 0.54, "f1": 0.61})],
    )

    kept = register(client, "whole", path=str(file), lineage=lineage).lineage

    lineage.source_digest, lineage.source_proof = kept.source_digest, kept.source_proof
    assert kept == lineage


@pytest.mark.parametrize(
    ("architecture", "parent", "given", "licence"),
    [
        ("dinov3_vits16", DINOV3, "", "dinov3-license"),
        ("dinov3_vits16", "facebook/dinov3-vits16-pretrain-lvd1689m", "", "dinov3-license"),
        ("dinov3_vits16", DINOV3, "dinov3-license", "dinov3-license"),
        ("dinov3_vits16", "", "", "dinov3-license"),
        (DINOV3, "", "", "dinov3-license"),
        ("dinov3_vits16", f"{DINOV3}@{'0' * 40}", "", "dinov3-license"),
        ("dinov3_vits16", "somebody's disk", "", "dinov3-license"),
        ("dinov3_vits16", "randomly chosen", "", "dinov3-license"),
        (ARCHITECTURE, f"{DINOV3}@v2", "", "dinov3-license"),
        ("dinov3_vits16", "random, seed 3", "", "unknown"),
        ("dinov3_vits16", "random, seed 3", "MIT", "MIT"),
        (ARCHITECTURE, "", "", "unknown"),
        (ARCHITECTURE, "somebody's disk", "Apache-2.0", "Apache-2.0"),
    ],
)
def test_the_licence_is_the_parents_unless_its_makers_may_choose(
    client: CatalogClient, architecture: str, parent: str, given: str, licence: str
) -> None:
    found = register(
        client,
        f"l{uuid.uuid4().hex}",
        architecture_id=architecture,
        lineage=Lineage(parent=parent, licence=given),
        remedies={"contact": "anna"},
    )

    assert found.lineage.licence == licence


def test_a_dinov3_derivative_cannot_be_set_free(client: CatalogClient, fails: Fails) -> None:
    """Not in the second generation either."""
    fields = {"architecture_id": "dinov3_vits16", "remedies": {"contact": "anna"}}
    register(client, "child", lineage=Lineage(parent=DINOV3), **fields)
    freed = Lineage(parent="checkpoints/child", licence="MIT")

    error = fails(lambda: register(client, "grandchild", lineage=freed, **fields))
    inherited = register(client, "grandchild", lineage=Lineage(parent="child"), **fields)

    assert error.violations[0].field == "lineage.licence"
    assert inherited.lineage.licence == "dinov3-license"


def test_a_deleted_parent_binds_what_came_from_it(client: CatalogClient, fails: Fails) -> None:
    fields = {"architecture_id": "dinov3_vits16", "remedies": {"contact": "anna"}}
    register(client, "random-goes", lineage=Lineage(parent=DINOV3), **fields)
    client.delete_checkpoint("random-goes")
    fields["architecture_id"] = ARCHITECTURE  # a student of another structure

    freed = Lineage(parent="random-goes", licence="MIT")
    error = fails(lambda: register(client, "of-gone", lineage=freed, **fields))

    assert error.violations[0].field == "lineage.licence"


def test_a_deleted_checkpoint_is_gone_for_builds_and_lists(
    client: CatalogClient, file: Path, fails: Fails
) -> None:
    kept = register(client, "goes", path=str(file))
    request_id = str(uuid.uuid4())

    deleted = client.delete_checkpoint("checkpoints/goes", request_id=request_id)
    repeated = client.delete_checkpoint("checkpoints/goes", request_id=request_id)
    gone = fails(lambda: client.get_checkpoint("goes"))
    listed = [one.checkpoint_id for one in client.list_checkpoints()]
    twice = fails(lambda: client.delete_checkpoint("goes"))

    assert deleted == repeated == kept
    assert gone.reason == twice.reason == "CHECKPOINT_NOT_FOUND"
    assert "goes" not in listed
    assert register(client, "goes", path=str(file)).backbone_digest == kept.backbone_digest


def test_a_parent_is_deleted_by_force_only(
    client: CatalogClient, folder: Path, file: Path, state: dict[str, torch.Tensor], fails: Fails
) -> None:
    save_file(changed(state, 2.0), folder / "child.safetensors")
    register(client, "parent", path=str(file))
    child = Lineage(parent="checkpoints/parent")
    register(client, "its_child", path=f"{folder}/child.safetensors", lineage=child)

    refused = fails(lambda: client.delete_checkpoint("parent"))
    client.delete_checkpoint("parent", force=True)

    assert (refused.code, refused.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "CHECKPOINT_REFERENCED",
    )
    assert "checkpoints/its_child" in refused.message
    assert client.get_checkpoint("its_child").lineage.parent == "checkpoints/parent"


def test_a_deletion_without_a_uuid_or_a_name_is_malformed(
    client: CatalogClient, fails: Fails
) -> None:
    no_name = fails(lambda: client.delete_checkpoint(""))
    no_uuid = fails(lambda: client.delete_checkpoint("x", request_id="again"))

    assert [each.field for each in no_name.violations] == ["name"]
    assert [each.field for each in no_uuid.violations] == ["request_id"]


def test_a_parent_that_reads_like_a_checkpoint_must_be_one(
    client: CatalogClient, file: Path, fails: Fails
) -> None:
    """A typing error would lose the licence that goes along."""
    register(client, "real_parent", path=str(file))
    typo, words = Lineage(parent="checkpoints/real_parnet"), Lineage(parent="the lab's backbone")

    error = fails(lambda: register(client, "typo", path=str(file), lineage=typo))
    taken = register(client, "elsewhere", path=str(file), lineage=words)

    assert [each.field for each in error.violations] == ["lineage.parent"]
    assert "closest are" in error.message
    assert taken.lineage.parent == "the lab's backbone"
