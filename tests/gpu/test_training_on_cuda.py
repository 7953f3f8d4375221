"""What only a CUDA device can show: its numbers, its memory, its scaler. Skipped without one."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from catalog_service.models.freeze_plan import FreezeMode
from tests.fakes.running import changed, ready, run, state_of
from tests.fakes.trainings import job_spec
from tests.fakes.work_orders import write_tiny_order
from trainer_service.datasets.batches import ImageBatches
from trainer_service.errors import OutOfMemory
from trainer_service.freezing import Seal, moving_tensors
from trainer_service.jobs import EpochMetrics, JobEvent, JobSpec, JobWarning, OptimizerSpec
from trainer_service.run_job import run_job
from trainer_service.stop_switch import StopSwitch
from trainer_service.tasks.table import task_for
from trainer_service.train.loop import TrainEvent, Training

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]

TINY = "shufflenet_v2_x0_5"
CUDA = torch.device("cuda")


def on_cuda(spec: JobSpec, *, num_images: int = 8, side_px: int = 32) -> tuple[Training, Seal]:
    """Return a training whose model and batches are on the device."""
    training, _ = ready(spec, num_images=num_images, side_px=side_px)
    training.model.to(device=CUDA, memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert isinstance(training.batches, ImageBatches)
    there = replace(
        training,
        device=CUDA,
        task=task_for(training.plan, CUDA),
        batches=replace(training.batches, device=CUDA),
    )
    return there, Seal(there.model, moving_tensors(there.layout, there.plan.freeze))


def losses_in(events: list[TrainEvent], split: str) -> list[float]:
    """Return the losses of all passes over a split."""
    passes = [e for e in events if isinstance(e, EpochMetrics) and e.split == split]
    return [event.values["loss"] for event in passes]


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_every_precision_learns_the_training_images(precision: str) -> None:
    optimizer = OptimizerSpec(lr=3e-3, weight_decay=0.0)
    spec = job_spec(TINY, batch_size=6, num_epochs=15, optimizer=optimizer, precision=precision)
    training, seal = on_cuda(spec, num_images=6)

    events, _ = run(training, seal)

    losses = losses_in(events, "train")
    assert losses[-1] < losses[0] / 2


def test_the_device_computes_what_the_cpu_computes_at_first() -> None:
    """Before training, where no step has had time to enlarge a rounding."""
    spec = job_spec(TINY)
    here, here_seal = ready(spec)
    there, there_seal = on_cuda(spec)

    on_cpu, _ = run(here, here_seal)
    on_device, _ = run(there, there_seal)

    # TF32 is off by default for products and on for convolutions: 10 bits of mantissa.
    first = losses_in(on_cpu, "validation")[0]
    assert losses_in(on_device, "validation")[0] == pytest.approx(first, rel=2e-2)


@pytest.mark.parametrize(
    "mode", [FreezeMode(kind="frozen_backbone"), FreezeMode(kind="last_blocks", num_blocks=1)]
)
def test_exactly_what_the_plan_trains_changes(mode: FreezeMode) -> None:
    training, seal = on_cuda(job_spec(TINY, freeze=mode))
    before = state_of(training.model)

    run(training, seal)

    moving = moving_tensors(training.layout, training.plan.freeze)
    assert changed(before, state_of(training.model)) == moving


def test_memory_that_runs_out_halves_the_images_at_a_time() -> None:
    """With the true error of the true allocator, at a limit between both needs."""
    still = {"norm": "frozen_statistics", "batch_size": 64}
    spec = job_spec("resnet18", **still)  # type: ignore[arg-type]
    whole = peak_bytes(spec)
    half = peak_bytes(job_spec("resnet18", micro_batch_size=32, **still))  # type: ignore[arg-type]
    training, seal = on_cuda(spec, num_images=64, side_px=224)

    with memory_limit((whole + half) // 2):
        events, _ = run(training, seal)

    warnings = [event.code for event in events if isinstance(event, JobWarning)]
    assert warnings == ["FEWER_IMAGES_AT_A_TIME"]


def test_memory_that_never_suffices_fails_with_numbers() -> None:
    spec = job_spec("resnet18", norm="frozen_statistics", batch_size=64)
    training, seal = on_cuda(spec, num_images=64, side_px=224)

    with memory_limit(256 * 2**20), pytest.raises(OutOfMemory, match=r"[\d.]+ of [\d.]+ GiB held"):
        run(training, seal)


def peak_bytes(spec: JobSpec) -> int:
    """Return the most memory that a run takes from the device."""
    training, seal = on_cuda(spec, num_images=64, side_px=224)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    run(training, seal)
    return torch.cuda.max_memory_reserved()


class memory_limit:  # noqa: N801  # used like a function
    """Let this process have so many bytes of the device and no more."""

    def __init__(self, num_bytes: int) -> None:
        self._share = num_bytes / torch.cuda.get_device_properties(CUDA).total_memory

    def __enter__(self) -> None:
        """Begin."""
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(self._share)

    def __exit__(self, *_: object) -> None:
        """End."""
        torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_whole_job_runs_on_the_device_with_kept_features(tmp_path: Path, precision: str) -> None:
    order = write_tiny_order(
        tmp_path, freeze=FreezeMode(kind="frozen_backbone"), precision=precision
    )
    events: list[JobEvent] = []

    (export,) = run_job(replace(order, device="cuda"), events.append, StopSwitch()).exports

    assert export.backbone_digest == order.model.backbone_digest
    assert export.state_digest != order.model.state_digest
