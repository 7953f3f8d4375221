"""Fewer bits and shorter gradients."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from tests.fakes.running import ready, run
from tests.fakes.trainings import CPU, job_spec
from trainer_service.jobs import EpochMetrics, OptimizerGroup, OptimizerSpec
from trainer_service.optimizers import make_optimizer
from trainer_service.train.precision import Passes

TINY = "shufflenet_v2_x0_5"


def dtypes_in(precision: str) -> tuple[set[torch.dtype], set[torch.dtype]]:
    """Return the types of what a convolution puts out in training and validation."""
    training, seal = ready(job_spec(TINY, precision=precision))
    seen: dict[bool, set[torch.dtype]] = {True: set(), False: set()}

    def look(module: nn.Module, _inputs: object, output: Tensor) -> None:
        seen[torch.is_grad_enabled()].add(output.dtype)

    training.model.get_submodule("conv1.0").register_forward_hook(look)
    run(training, seal)
    assert {parameter.dtype for parameter in training.model.parameters()} == {torch.float32}
    return seen[True], seen[False]


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_convolutions_compute_in_the_jobs_numbers_and_weights_stay_in_32_bits(
    precision: str, dtype: torch.dtype
) -> None:
    assert dtypes_in(precision) == ({dtype}, {dtype})


def test_bfloat16_learns_the_training_images() -> None:
    optimizer = OptimizerSpec(lr=3e-3, weight_decay=0.0)
    spec = job_spec(TINY, batch_size=6, num_epochs=10, optimizer=optimizer, precision="bf16")
    training, seal = ready(spec, num_images=6)

    events, _ = run(training, seal)

    passes = [e for e in events if isinstance(e, EpochMetrics) and e.split == "train"]
    assert passes[-1].values["loss"] < passes[0].values["loss"] / 2


def moved_by(max_grad_norm: float, gradient: list[float]) -> list[float]:
    """Return how far plain gradient descent moves with lr 1."""
    weight = nn.Parameter(torch.zeros(len(gradient)))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    weight.grad = torch.tensor(gradient)
    Passes("fp32", CPU).move(optimizer, max_grad_norm)
    return (-weight.detach()).tolist()


def test_long_gradients_are_cut_and_keep_their_direction() -> None:
    assert moved_by(1.0, [3.0, 4.0]) == pytest.approx([0.6, 0.8], rel=1e-5)


def test_short_gradients_and_no_limit_leave_them_as_they_are() -> None:
    assert moved_by(10.0, [3.0, 4.0]) == pytest.approx([3.0, 4.0])
    assert moved_by(0.0, [300.0, 400.0]) == [300.0, 400.0]


def test_a_job_cuts_the_gradient_of_all_its_parameters_together() -> None:
    """Seen on what plain gradient descent moves: no further than lr x max_grad_norm in all."""
    settings = OptimizerSpec(algorithm="sgd", lr=1.0, weight_decay=0.0)
    spec = job_spec(TINY, batch_size=8, optimizer=settings, max_grad_norm=1e-3)
    training, seal = ready(spec)
    before = [parameter.detach().clone() for parameter in training.model.parameters()]

    run(training, seal)

    moved = [p.detach() - old for p, old in zip(training.model.parameters(), before, strict=True)]
    length = float(torch.stack([each.norm() for each in moved]).norm())
    assert length == pytest.approx(1e-3, rel=1e-2)


def test_who_had_no_image_since_it_went_on_moves_by_the_gradient_of_others() -> None:
    """A rank without an image of its first batch never went backward."""
    weight = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    saved = Passes("fp16", CPU).state() | {"scale": 1024.0}
    passes = Passes("fp16", CPU)
    passes.go_on(saved)
    weight.grad = torch.tensor([1024.0, 2048.0])

    passes.move(optimizer, max_grad_norm=0.0)

    assert weight.detach().tolist() == [-1.0, -2.0]


@pytest.fixture
def spoiled_memory() -> Iterator[None]:
    """Let memory that nobody wrote to hold what is no number."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("spoiled_memory")
def test_a_first_step_that_overflows_leaves_no_momentum() -> None:
    """The scaler begins high, so the first step is usually skipped. Done by one kernel, torch's own
    momentum is then what was in its memory before.
    """
    weight = nn.Parameter(torch.zeros(2))
    group = OptimizerGroup(
        name="head", parameters=("weight",), lr=1.0, weight_decay=0.0, num_parameters=2
    )
    spec = OptimizerSpec(algorithm="sgd", lr=1.0, momentum=0.9)
    ours = make_optimizer({"weight": weight}, [group], spec)
    plain = torch.optim.SGD([weight], lr=1.0, momentum=0.9, fused=True)

    def momentum_after(optimizer: torch.optim.Optimizer) -> list[float]:
        weight.grad = torch.full((2,), torch.inf)
        Passes("fp16", CPU).move(optimizer, max_grad_norm=0.0)
        momentum: Tensor = optimizer.state[weight]["momentum_buffer"]
        return momentum.tolist()

    assert momentum_after(ours) == [0.0, 0.0]
    assert momentum_after(plain) != [0.0, 0.0]
    assert weight.tolist() == [0.0, 0.0]
