"""When torch.compile is used. A real compiler takes too long here: a fake one counts and waits."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch._dynamo.exc import BackendCompilerFailed
from torch._dynamo.utils import counters

from catalog_service.models.freeze_plan import FreezeMode, UnfreezeStep
from tests.fakes.running import ready
from tests.fakes.trainings import CPU, job_spec
from trainer_service.errors import CompileFailed
from trainer_service.freezing import enter_training, freeze
from trainer_service.jobs import JobMessage, JobWarning
from trainer_service.train.compiling import Compiling, handles_phases, may_pay

TINY = "shufflenet_v2_x0_5"


class Clock:
    """Time passes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now


class Twin(nn.Module):
    """What a compiler returns."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network


def trial(
    *, plain_s: float, compiled_s: list[float], steps_left: int, policy: str = "where_it_pays"
) -> tuple[list[bool], list[JobMessage]]:
    """Go through steps that take so long; return which were compiled, and what was said."""
    clock, network = Clock(), nn.Linear(1, 1)
    compiling = Compiling(policy, CPU, clock=clock, compiled=Twin)  # type: ignore[arg-type]
    compiling.begin(network, steps_left, may_compile=True)
    were_compiled, said = [], []
    later: Iterator[float] = iter(compiled_s)
    for _ in range(14):
        began = compiling.start()
        is_compiled = isinstance(compiling.network, Twin)
        clock.now += next(later, 0.01) if is_compiled else plain_s
        were_compiled.append(is_compiled)
        if message := compiling.finish(began):
            said.append(message)
    return were_compiled, said


def test_a_faster_network_is_kept_and_it_is_said() -> None:
    were_compiled, said = trial(plain_s=1.0, compiled_s=[30, 1, 0.6, 0.6, 0.6], steps_left=1000)

    assert were_compiled == [False] * 5 + [True] * 9
    assert [message.text for message in said] == [
        "torch.compile: a step takes 600 ms compiled and 1000 ms as it is, compiling took 30 s:"
        " goes on compiled"
    ]


def test_a_slower_network_is_given_up() -> None:
    were_compiled, said = trial(plain_s=1.0, compiled_s=[30, 1, 1.2, 1.2, 1.2], steps_left=1000)

    assert were_compiled == [False] * 5 + [True] * 5 + [False] * 4
    assert said[0].text.endswith("goes on as it is")


def test_a_short_job_never_tries() -> None:
    were_compiled, said = trial(plain_s=1.0, compiled_s=[], steps_left=50)

    assert not any(were_compiled) and not said
    assert may_pay(1.0, 1000) and not may_pay(1.0, 50) and not may_pay(0.01, 1000)


@pytest.mark.parametrize(("policy", "is_compiled"), [("always", True), ("never", False)])
def test_always_and_never_measure_nothing(policy: str, is_compiled: bool) -> None:
    were_compiled, said = trial(plain_s=1.0, compiled_s=[], steps_left=10, policy=policy)

    assert were_compiled == [is_compiled] * 14
    assert not said


def test_kept_features_are_not_compiled() -> None:
    compiling = Compiling("always", CPU, clock=Clock(), compiled=Twin)
    network = nn.Linear(1, 1)

    compiling.begin(network, 10, may_compile=False)

    assert compiling.network is network


def failing(policy: str) -> tuple[Compiling, Exception]:
    """Return a compiled network whose compiler has failed."""
    compiling = Compiling(policy, CPU, clock=Clock(), compiled=Twin)  # type: ignore[arg-type]
    compiling.begin(nn.Linear(1, 1), 10**6, may_compile=True)
    if policy == "where_it_pays":
        compiling.network = Twin(compiling.network)
    error = BackendCompilerFailed(lambda: None, RuntimeError("no C++ compiler"), None)  # type: ignore[arg-type]
    return compiling, error


def test_a_compiler_that_fails_is_gone_without_where_that_is_allowed() -> None:
    compiling, error = failing("where_it_pays")
    assert compiling.is_to_blame(error) and not compiling.is_to_blame(RuntimeError("shapes"))

    warning = compiling.given_up(error)

    assert isinstance(warning, JobWarning) and "no C++ compiler" in warning.text
    assert not isinstance(compiling.network, Twin)


def test_a_compiler_that_must_and_cannot_fails_the_job() -> None:
    compiling, error = failing("always")

    with pytest.raises(CompileFailed, match=r"no C\+\+ compiler.*set compile to never"):
        compiling.given_up(error)


def test_phases_need_a_torch_that_compiles_them_anew() -> None:
    assert handles_phases("2.13.0") and handles_phases("2.15.0+cpu") and handles_phases("3.0.1")
    assert not handles_phases("2.9.1") and not handles_phases("2.12.0a0")


@pytest.mark.skipif(not handles_phases(torch.__version__), reason="this torch forgets phases")
@pytest.mark.full
def test_a_compiled_network_trains_what_each_phase_says_and_compiles_twice_at_most() -> None:
    """With the compiler's front half: it is that half which once kept the old graph."""
    mode = FreezeMode(kind="gradual", steps=(UnfreezeStep(after_epochs=1, num_blocks=1),))
    training, _ = ready(job_spec(TINY, freeze=mode, num_epochs=2))
    compiling = Compiling(
        "always",
        CPU,
        clock=Clock(),
        compiled=lambda network: torch.compile(network, backend="aot_eager"),  # type: ignore[return-value, arg-type]
    )
    (batch, *_) = training.batches.training(1)
    for phase in training.plan.phases:
        freeze(training.model, training.layout, phase.freeze)
        enter_training(training.model, phase.freeze)
        compiling.begin(training.model, 10, may_compile=True)
        counters.clear()

        training.task.learn(compiling.network, batch).loss.backward()  # type: ignore[no-untyped-call]

        with_gradient = {
            name for name, each in training.model.named_parameters() if each.grad is not None
        }
        assert with_gradient == set(phase.freeze.trainable)
        assert 1 <= counters["stats"]["unique_graphs"] <= 2
