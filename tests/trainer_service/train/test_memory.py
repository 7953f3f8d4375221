"""Memory that runs out: one attempt with fewer images at a time, then numbers."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from tests.fakes.running import changed, ready, run, state_of
from tests.fakes.trainings import job_spec
from trainer_service.errors import OutOfMemory, is_out_of_memory
from trainer_service.jobs import EpochMetrics, JobWarning
from trainer_service.stop_switch import StopSwitch
from trainer_service.train.loop import TrainEvent, Training, train

TINY = "shufflenet_v2_x0_5"
STILL = {"norm": "frozen_statistics", "batch_size": 8}
"""Norms that stand still do not see how many images come together."""


def with_room_for(
    training: Training, num_images: int, *, error: str = "CUDA out of memory"
) -> None:
    """Let the model fail, as torch would, where more images come together with gradients."""

    def full(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if torch.is_grad_enabled() and len(inputs[0]) > num_images:
            raise torch.OutOfMemoryError("CUDA out of memory")

    training.model.get_submodule("fc").register_forward_pre_hook(full)


def test_half_the_images_at_a_time_learn_the_same_and_it_is_said() -> None:
    roomy, seal = ready(job_spec(TINY, **STILL))  # type: ignore[arg-type]
    tight, tight_seal = ready(job_spec(TINY, **STILL))  # type: ignore[arg-type]
    with_room_for(tight, 4)
    before = state_of(roomy.model)

    events, _ = run(roomy, seal)
    told, _ = run(tight, tight_seal)

    (warning,) = [event for event in told if isinstance(event, JobWarning)]
    assert warning.code == "FEWER_IMAGES_AT_A_TIME"
    assert "with 8 images at a time" in warning.text and "micro_batch_size to 4" in warning.text
    assert not any(isinstance(event, JobWarning) for event in events)
    after, same = state_of(roomy.model), state_of(tight.model)
    assert len(changed(before, after)) > 100
    assert max(float((after[name] - same[name]).abs().max()) for name in after) < 1e-3
    losses = [
        [e.values["loss"] for e in said if isinstance(e, EpochMetrics)] for said in (events, told)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_the_second_time_the_job_fails_with_numbers() -> None:
    training, seal = ready(job_spec(TINY, **STILL))  # type: ignore[arg-type]
    with_room_for(training, 2)

    with pytest.raises(
        OutOfMemory,
        match=r"shufflenet_v2_x0_5 with 4 images at a time, halved from 8 .* of [\d.]+ GiB held",
    ):
        run(training, seal)


def test_a_single_image_cannot_be_halved() -> None:
    training, seal = ready(job_spec(TINY, norm="frozen_statistics", batch_size=1))
    with_room_for(training, 0)

    with pytest.raises(OutOfMemory, match="with 1 images at a time does not fit"):
        run(training, seal)


def test_validation_is_halved_too() -> None:
    training, seal = ready(job_spec(TINY))
    calls: list[int] = []

    def full(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if not torch.is_grad_enabled():
            calls.append(len(inputs[0]))
            if len(calls) == 1:
                raise torch.OutOfMemoryError("CUDA out of memory")

    training.model.get_submodule("fc").register_forward_pre_hook(full)

    events, _ = run(training, seal)

    assert [type(event) for event in events[:2]] == [JobWarning, EpochMetrics]
    assert "with 64 images at a time" in events[0].text  # type: ignore[union-attr]
    assert events[1].values["loss"] > 0  # type: ignore[union-attr]


def test_an_optimizer_without_room_fails_at_once() -> None:
    """Fewer images at a time would not help: its averages are as large as the parameters."""
    training, seal = ready(job_spec(TINY))
    events: list[TrainEvent] = []

    def spoil(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    hook = register_optimizer_step_pre_hook(spoil)
    try:
        with pytest.raises(OutOfMemory, match="does not fit the memory"):
            for event in train(training, seal, StopSwitch()):
                events.append(event)
    finally:
        hook.remove()

    assert not any(isinstance(event, JobWarning) for event in events)


def test_other_errors_are_not_taken_for_memory() -> None:
    training, seal = ready(job_spec(TINY))

    def broken(module: nn.Module, inputs: object) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    training.model.get_submodule("fc").register_forward_pre_hook(broken)

    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        run(training, seal)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: not enough memory:"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
    ],
)
def test_torchs_words_for_full_memory_are_known(error: Exception) -> None:
    assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_torch_on_this_cpu_says_it_in_these_words() -> None:
    with pytest.raises(RuntimeError) as failure:
        torch.empty(2**62, dtype=torch.uint8)

    assert is_out_of_memory(failure.value)
