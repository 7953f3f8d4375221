"""Pretrain, register, fine-tune frozen, load elsewhere: the main job through the public door."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import load_file

from vertebra.client_errors import RpcFailed
from vertebra.trainer.v1 import train_job_pb2 as wire

HEAD = {"classification": {"num_classes": 2}}
IMAGE = {"image_height_px": 32, "image_width_px": 32}
SUCCEEDED = wire.JobState.JOB_STATE_SUCCEEDED


def experiment(site, *, model: Mapping, freeze: Mapping, register_as: str = "") -> dict:
    """Return a job of two epochs on the striped pictures."""
    return {
        "model": {"backbone": "resnet18", **IMAGE, **model},
        "freeze": freeze,
        "dataset": {"image_folder": {"path": str(site.shapes)}, "validation_ratio": 0.25},
        "num_epochs": 2,
        "batch_size": 8,
        "export": {"register_as": register_as},
    }


def run_job(site, spec: Mapping) -> wire.TrainJob:
    """Run a job to its end."""
    job = site.trainer_client.wait(site.trainer_client.create(spec).name)
    assert job.state == SUCCEEDED, job.state_reason
    return job


def files_of(site, job: wire.TrainJob) -> dict[str, wire.ExportFile]:
    """Return what a job exported, by kind."""
    (export,) = site.trainer_client.list_exports(job.name)
    return {wire.ExportFile.Kind.Name(file.kind): file for file in export.files}


@pytest.fixture(scope="module")
def pretrained(site) -> wire.TrainJob:
    """A job from scratch whose backbone is registered as `stripes`."""
    return run_job(site, experiment(site, model={}, freeze={"scratch": {}}, register_as="stripes"))


@pytest.fixture(scope="module")
def fine_tuned(site, pretrained) -> wire.TrainJob:
    """A job that starts from the registered backbone and keeps it still."""
    model = {"weights": "checkpoints/stripes"}
    return run_job(site, experiment(site, model=model, freeze={"frozen_backbone": {}}))


def test_a_registered_backbone_is_the_exported_one(site, pretrained):
    """What the catalog hands out again is what the trainer wrote."""
    (export,) = site.trainer_client.list_exports(pretrained.name)

    checkpoint = site.catalog_client.get_checkpoint("stripes")

    assert checkpoint.backbone_digest == export.backbone_digest
    assert checkpoint.lineage.train_job == pretrained.name
    assert export.checkpoint == "checkpoints/stripes"


def test_a_frozen_backbone_leaves_as_it_came(site, pretrained, fine_tuned):
    """The parent's digest is the child's, buffers included."""
    (parent,) = site.trainer_client.list_exports(pretrained.name)
    (child,) = site.trainer_client.list_exports(fine_tuned.name)

    assert child.backbone_digest == parent.backbone_digest
    assert child.state_digest != parent.state_digest
    assert fine_tuned.plan.freeze.num_trainable_parameters == 512 * 2 + 2
    assert fine_tuned.plan.freeze.num_frozen_parameters == 11_176_512


def test_both_backbone_files_load_into_torchvision_with_only_the_head_missing(site, fine_tuned):
    """No prefix, no wrapper, no code: the keys are torchvision's own."""
    files = files_of(site, fine_tuned)
    ckpt = torch.load(files["KIND_BACKBONE_CKPT"].path, weights_only=True)
    safetensors = load_file(files["KIND_BACKBONE_SAFETENSORS"].path)
    images = torch.rand(2, 3, 32, 32)

    features = [features_with(state, images) for state in (ckpt, safetensors)]

    names = set(torchvision.models.resnet18().state_dict())
    assert names - set(ckpt) == {"fc.weight", "fc.bias"}
    assert set(ckpt) == set(safetensors) <= names
    assert torch.equal(*features)


def features_with(state: Mapping, images: torch.Tensor) -> torch.Tensor:
    """Return the pooled features [B, 512] of the backbone in `state`, loaded strictly."""
    model = torchvision.models.resnet18()
    model.fc = torch.nn.Identity()
    model.load_state_dict(state)
    model.eval()
    with torch.no_grad():
        return model(images)


def test_an_exported_file_is_read_over_the_wire_as_it_is_on_disk(site, fine_tuned, tmp_path):
    """BlobService hands out the bytes whose digest the export names."""
    file = files_of(site, fine_tuned)["KIND_MODEL_SAFETENSORS"]

    copy = site.trainer_client.blobs.download(file.blob.name, tmp_path / "model.safetensors")

    assert copy.read_bytes() == Path(file.path).read_bytes()
    assert f"sha256:{hashlib.sha256(copy.read_bytes()).hexdigest()}" == file.blob.digest


def test_views_of_the_run_lie_beside_the_export(site, fine_tuned):
    """A table of every epoch, curves, and what TensorBoard reads while the job runs."""
    files = files_of(site, fine_tuned)

    table = Path(files["KIND_METRICS_CSV"].path).read_text().splitlines()

    assert len({Path(file.path).parent for file in files.values()}) == 1
    assert table[0].startswith("epoch,step,train/loss")
    assert len(table) == 1 + 3, "before the first epoch, and after both"
    assert Path(files["KIND_CURVES_PNG"].path).read_bytes().startswith(b"\x89PNG")
    assert files["KIND_TENSORBOARD_EVENTS"].blob.size_bytes > 0


def test_events_are_dense_and_tell_the_whole_story(site, fine_tuned):
    """Model, plan, both splits of both epochs, export, end: nothing lost, nothing doubled."""
    events = list(site.trainer_client.watch(fine_tuned.name))

    epochs = [
        (event.epoch_metrics.epoch, event.epoch_metrics.split)
        for event in events
        if event.WhichOneof("event") == "epoch_metrics"
    ]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [pair for pair in epochs if pair[0]] == [
        (1, "train"),
        (1, "validation"),
        (2, "train"),
        (2, "validation"),
    ]
    assert events[-1].state_changed.to_state == SUCCEEDED


def test_a_frozen_random_backbone_is_refused_unless_asked_for_by_name(site):
    """A baseline must say that it is one."""
    spec = experiment(site, model={"pretrained": False}, freeze={"frozen_backbone": {}})

    with pytest.raises(RpcFailed, match="allow_frozen_random") as caught:
        site.trainer_client.create(spec)

    assert caught.value.reason == "FIELD_INVALID"


def test_a_weight_without_bytes_names_every_place_that_was_tried(site):
    """No network here and empty caches: the job must not start from noise."""
    with pytest.raises(RpcFailed, match=r"resnet18-f37072fd\.pth") as caught:
        site.catalog_client.build_model(
            {"backbone": "resnet18", "classification": {"num_classes": 2}}
        )

    assert caught.value.reason == "WEIGHTS_UNAVAILABLE"


def test_a_new_head_is_not_the_one_that_the_backbone_learned_with(site):
    """Equal seeds must not draw it again: it would look trained before the first step."""
    spec = {"backbone": "resnet18", "classification": {"num_classes": 10}, "seed": 5}
    first = site.catalog_client.build_model({**spec, "pretrained": False})
    site.catalog_client.register_checkpoint(
        checkpoint_id="co-adapted", architecture_id="resnet18", blob_name=first.parts[0].blob.name
    )

    second = site.catalog_client.build_model({**spec, "weights": "checkpoints/co-adapted"})

    assert second.backbone_digest == first.backbone_digest
    assert second.parts[1].blob.digest != first.parts[1].blob.digest


def test_a_name_that_is_taken_is_refused_before_hours_of_training(site, pretrained):
    """Checkpoints are never replaced, so the job could only fail at its end."""
    spec = experiment(site, model={}, freeze={"scratch": {}}, register_as="stripes")

    with pytest.raises(RpcFailed, match="checkpoints/stripes exists") as caught:
        site.trainer_client.create(spec)

    assert caught.value.reason == "CHECKPOINT_EXISTS"
