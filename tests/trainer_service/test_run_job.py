"""A whole job in this process: from an order on disk to an export on disk."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor

from catalog_service.blobs.digests import sha256_of_file
from catalog_service.models.contracts import OutputContract
from catalog_service.models.freeze_plan import FreezeMode
from tests.fakes.job_models import random_module
from tests.fakes.work_orders import write_tiny_order
from trainer_service.datasets import read
from trainer_service.errors import (
    DataInvalid,
    DeviceUnavailable,
    LossNotFinite,
    StateNotAsOrdered,
)
from trainer_service.jobs import (
    EpochMetrics,
    Export,
    JobEvent,
    JobWarning,
    OptimizerSpec,
    Planned,
    StepMetrics,
    WorkOrder,
)
from trainer_service.jobs.learning_spec import SHIFT_AND_FLIP
from trainer_service.run_job import make_plan, run_job
from trainer_service.stop_switch import StopRequested, StopSwitch

FROZEN = FreezeMode(kind="frozen_backbone")


def run(order: WorkOrder) -> tuple[Export, list[JobEvent]]:
    """Run the job; return its one export and its events."""
    events: list[JobEvent] = []
    finished = run_job(order, events.append, StopSwitch())
    (export,) = finished.exports
    return export, events


def epochs(events: list[JobEvent], split: str) -> list[EpochMetrics]:
    """Return the metrics of every pass over a split."""
    return [e for e in events if isinstance(e, EpochMetrics) and e.split == split]


def test_a_job_learns_and_tells_how(tmp_path: Path) -> None:
    order = write_tiny_order(tmp_path, num_epochs=4, optimizer=OptimizerSpec(lr=5e-3))

    export, events = run(order)

    validation = epochs(events, "validation")
    assert [e.epoch for e in validation] == [0, 1, 2, 3, 4]
    assert [e.epoch for e in epochs(events, "train")] == [1, 2, 3, 4]
    assert epochs(events, "train")[-1].values["loss"] < epochs(events, "train")[0].values["loss"]
    steps = [e for e in events if isinstance(e, StepMetrics)]
    assert {e.step for e in steps} >= {3, 6, 9, 12}  # the last one of every epoch
    assert all(e.values.keys() == {"loss", "accuracy", "lr"} for e in steps)
    assert all(e.images_per_s > 0 for e in steps)
    assert export.metrics["validation/accuracy"] == validation[-1].values["accuracy"]


def test_the_worker_follows_the_plan_that_was_shown(tmp_path: Path) -> None:
    order = write_tiny_order(tmp_path, num_images=7)

    _, events = run(order)

    (planned,) = [e for e in events if isinstance(e, Planned)]
    assert planned.plan == make_plan(order)
    assert planned.plan.num_steps_per_epoch * 2 == max(
        e.step for e in events if isinstance(e, StepMetrics)
    )


def test_two_runs_are_equal_to_the_last_bit(tmp_path: Path) -> None:
    """Dropout, augmentation and order are drawn again, whatever was drawn before."""
    settings = {
        "architecture_id": "squeezenet1_1",
        "augmentation": SHIFT_AND_FLIP,
        "side_px": 48,
    }
    first, events = run(write_tiny_order(tmp_path / "a", **settings))  # type: ignore[arg-type]
    torch.rand(17)
    second, same = run(write_tiny_order(tmp_path / "b", **settings))  # type: ignore[arg-type]
    other, _ = run(write_tiny_order(tmp_path / "c", seed=1, **settings))  # type: ignore[arg-type]

    assert first.state_digest == second.state_digest != other.state_digest
    assert epochs(events, "train") == epochs(same, "train")


def test_a_frozen_backbone_is_its_parents(tmp_path: Path) -> None:
    order = write_tiny_order(tmp_path, freeze=FROZEN)

    export, _ = run(order)

    assert export.backbone_digest == order.model.backbone_digest
    assert export.state_digest != order.model.state_digest


@pytest.mark.parametrize("norm", ["frozen_statistics", "recalibrate"])
def test_recalibration_alone_moves_frozen_statistics(tmp_path: Path, norm: str) -> None:
    order = write_tiny_order(tmp_path, freeze=FROZEN, norm=norm)
    before = load_file(order.model.backbone_path)

    export, _ = run(order)

    after = load_file(Path(order.export_dir) / "backbone.safetensors")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    if norm == "frozen_statistics":
        assert not changed
        assert export.backbone_digest == order.model.backbone_digest
    else:
        assert changed == {
            name for name in before if "running" in name or name.endswith("batches_tracked")
        }


def test_a_training_batch_norm_never_sees_a_single_image(tmp_path: Path) -> None:
    """17 training images in batches of 8 leave one; at 32 px the last maps are of one pixel."""
    order = write_tiny_order(tmp_path, num_images=7, batch_size=8)
    plan = make_plan(order)

    _, events = run(order)

    assert plan.num_train_images % 8 == 2  # 18: nothing is dropped
    smaller = replace(order, spec=replace(order.spec, batch_size=17))
    assert make_plan(smaller).num_steps_per_epoch == 1
    assert "last batch of one image" in make_plan(smaller).warnings[0]
    run(replace(smaller, export_dir=f"{order.export_dir}2"))
    assert epochs(events, "validation")


def test_plain_torchvision_loads_both_backbones(tmp_path: Path) -> None:
    """Only the head is missing, and the features are equal to the last bit."""
    order = write_tiny_order(tmp_path, architecture_id="resnet18", num_epochs=1)
    run(order)
    folder = Path(order.export_dir)
    images = torch.rand(2, 3, 32, 32)
    whole = random_module(order.model.recipe)
    whole.load_state_dict(load_file(folder / "model.safetensors"))

    files: dict[str, dict[str, Tensor]] = {
        "safetensors": load_file(folder / "backbone.safetensors"),
        "ckpt": torch.load(folder / "backbone.ckpt", weights_only=True),
    }

    for state in files.values():
        plain = torchvision.models.resnet18(weights=None).eval()
        report = plain.load_state_dict(state, strict=False)
        assert (report.missing_keys, report.unexpected_keys) == (["fc.weight", "fc.bias"], [])
        plain.fc = whole.eval().fc
        with torch.no_grad():
            assert torch.equal(plain(images), whole(images))
        assert all(tensor.is_contiguous() for tensor in state.values())


def test_an_export_says_what_it_is(tmp_path: Path) -> None:
    order = write_tiny_order(tmp_path, num_epochs=1)

    export, _ = run(order)

    assert [file.kind for file in export.files] == [
        "backbone_safetensors",
        "backbone_ckpt",
        "model_safetensors",
        "metadata",
    ]
    for file in export.files:
        assert file.digest == sha256_of_file(Path(file.path))
        assert file.size_bytes == Path(file.path).stat().st_size
    known = json.loads((Path(order.export_dir) / "metadata.json").read_text())
    assert known["class_names"] == ["blue", "green", "red"]
    assert known["input"]["mean"] == list(order.model.input.mean)
    assert known["digests"]["backbone"] == export.backbone_digest
    assert known["digests"]["parent_backbone"] == order.model.backbone_digest
    assert known["lineage"]["train_job"] == "trainJobs/job1"
    assert known["data"]["fingerprint"].startswith("sha256:")
    assert known["plan"]["freeze"]["mode"] == "full"
    assert known["libraries"]["torch"] == torch.__version__.partition("+")[0]
    assert [path.name for path in tmp_path.glob("export*")] == ["export"]


def test_classes_that_were_only_counted_get_the_names_of_the_folders(tmp_path: Path) -> None:
    order = write_tiny_order(tmp_path, num_epochs=1)
    unnamed = replace(order.model, output=OutputContract(shape=(3,)))

    run(replace(order, model=unnamed))

    known = json.loads((Path(order.export_dir) / "metadata.json").read_text())
    assert known["class_names"] == ["blue", "green", "red"]


def test_images_that_do_not_fit_memory_are_decoded_anew_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, _ = run(write_tiny_order(tmp_path / "kept", num_epochs=1))
    monkeypatch.setattr(read, "MAX_KEPT_BYTES", 0)

    decoded, events = run(write_tiny_order(tmp_path / "decoded", num_epochs=1))

    assert [e.code for e in events if isinstance(e, JobWarning)] == ["IMAGES_NOT_KEPT"]
    assert decoded.state_digest == kept.state_digest


def test_training_writes_to_no_blob(tmp_path: Path) -> None:
    order = write_tiny_order(tmp_path, num_epochs=1)
    blobs = [Path(order.model.backbone_path), Path(order.model.head_path)]
    before = [sha256_of_file(blob) for blob in blobs]

    run(order)

    assert [sha256_of_file(blob) for blob in blobs] == before


def test_an_infinite_loss_fails_the_job_and_names_the_step(tmp_path: Path) -> None:
    order = write_tiny_order(tmp_path, optimizer=OptimizerSpec(algorithm="sgd", lr=1e30))

    with pytest.raises(LossNotFinite, match=r"at epoch 1, step [23]: lower the learning rate"):
        run(order)

    assert not list(tmp_path.glob("export*"))


def wrong_layout(order: WorkOrder) -> WorkOrder:
    layout = replace(order.model.layout, layout_digest="sha256:other")
    return replace(order, model=replace(order.model, layout=layout))


def wrong_backbone(order: WorkOrder) -> WorkOrder:
    return replace(order, model=replace(order.model, backbone_digest="sha256:other"))


def wrong_state(order: WorkOrder) -> WorkOrder:
    return replace(order, model=replace(order.model, state_digest="sha256:other"))


@pytest.mark.parametrize("spoil", [wrong_layout, wrong_backbone, wrong_state])
def test_another_model_than_the_ordered_one_is_refused(
    tmp_path: Path, spoil: Callable[[WorkOrder], WorkOrder]
) -> None:
    with pytest.raises(StateNotAsOrdered, match="sha256:other"):
        run(spoil(write_tiny_order(tmp_path)))


def test_broken_images_fail_the_job_before_the_first_step(tmp_path: Path) -> None:
    order = write_tiny_order(tmp_path)
    (tmp_path / "data" / "red" / "broken.png").write_bytes(b"")
    events: list[JobEvent] = []

    with pytest.raises(DataInvalid, match=r"broken\.png' \(empty file\)"):
        run_job(order, events.append, StopSwitch())

    assert not any(isinstance(event, StepMetrics | EpochMetrics) for event in events)


def test_a_stop_is_heeded_at_the_next_step(tmp_path: Path) -> None:
    order = write_tiny_order(tmp_path)
    stop = StopSwitch()
    events: list[JobEvent] = []

    def stop_when_training(event: JobEvent) -> None:
        events.append(event)
        if isinstance(event, StepMetrics):
            stop.request()

    with pytest.raises(StopRequested):
        run_job(order, stop_when_training, stop)

    assert sum(isinstance(event, StepMetrics) for event in events) == 1
    assert not list(tmp_path.glob("export*"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_device_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeviceUnavailable, match="sees none"):
        run(replace(write_tiny_order(tmp_path), device="cuda"))
