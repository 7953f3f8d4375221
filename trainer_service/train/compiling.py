"""torch.compile, where it is asked for: always, or where the steps that are left pay for it.

Compiling changes the order of additions, so a compiled job is not equal to one that is not, bit by
bit; and where it pays is measured, so that two jobs may decide differently.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from trainer_service.errors import CompileFailed
from trainer_service.jobs import JobMessage, JobWarning
from trainer_service.jobs.learning_spec import CompilePolicy
from trainer_service.train.progress import Clock

NUM_WARM_UP_STEPS = 2
NUM_MEASURED_STEPS = 3

LEAST_COST_S = 20.0
"""Compiling resnet18 for training takes about so long on two cores; larger models longer."""

LARGEST_SAVING = 0.5
"""Of a step. Source: Ansel et al. 2024, PyTorch 2, section 6.3: 1.4x in training on average."""

FIRST_RELEASE_FOR_PHASES = (2, 13)
"""Before, a compiled model whose freezing changes may go on with the old graph, without an error.
Source: pytorch#139476."""

COMPILER_MODULES = ("torch._dynamo", "torch._inductor")
"""Where the errors of compiling are defined."""

Compile = Callable[[nn.Module], nn.Module]


def with_inductor(network: nn.Module) -> nn.Module:
    """Return the network, compiled when it first runs."""
    compiled: nn.Module = torch.compile(network)  # type: ignore[assignment]
    return compiled


def may_pay(plain_step_s: float, num_steps_left: int) -> bool:
    """Whether compiling could save twice what it costs, if it went as well as it ever does."""
    return plain_step_s * LARGEST_SAVING * num_steps_left > 2 * LEAST_COST_S


def handles_phases(release: str) -> bool:
    """Whether this torch compiles anew when other parameters train."""
    major, minor = release.split(".")[:2]
    return (int(major), int(minor)) >= FIRST_RELEASE_FOR_PHASES


@dataclass(slots=True)
class _Trial:
    """What was measured in this phase."""

    plain_s: list[float] = field(default_factory=list)
    compiled_s: list[float] = field(default_factory=list)
    is_over: bool = False


class Compiling:
    """Which network learns: the plain one or its compiled twin. Both share their parameters."""

    def __init__(
        self,
        policy: CompilePolicy,
        device: torch.device,
        *,
        clock: Clock,
        compiled: Compile = with_inductor,
    ) -> None:
        self._policy = policy
        self._device = device
        self._clock = clock
        self._compiled = compiled
        self._trial = _Trial(is_over=True)

    def begin(self, network: nn.Module, num_steps_left: int, *, may_compile: bool) -> None:
        """Start a phase: what was compiled before knows other trainable parameters."""
        self.network = self._plain = network
        self._num_steps_left = num_steps_left
        is_wanted = self._policy != "never" and may_compile
        self._trial = _Trial(is_over=not is_wanted or self._policy == "always")
        if is_wanted:
            torch.compiler.reset()
        if is_wanted and self._policy == "always":
            self.network = self._compiled(network)

    def start(self) -> float:
        """Return when a step begins; 0 where nobody measures."""
        return 0.0 if self._trial.is_over else self._now()

    def finish(self, began: float) -> JobMessage | None:
        """Count a step; say what was decided."""
        self._num_steps_left -= 1
        if self._trial.is_over:
            return None
        elapsed_s = self._now() - began
        if self.network is self._plain:
            return self._after_plain(elapsed_s)
        return self._after_compiled(elapsed_s)

    def is_to_blame(self, error: Exception) -> bool:
        """Whether a step failed because the model could not be compiled."""
        module = type(error).__module__
        return self.network is not self._plain and module.startswith(COMPILER_MODULES)

    def given_up(self, error: Exception) -> JobWarning:
        """Go on without, and say so.

        Raises:
            CompileFailed: it was to be always compiled.
        """
        said = " ".join(str(error).split())[:200] or type(error).__name__
        if self._policy == "always":
            raise CompileFailed(
                f"torch.compile cannot compile the model: {said}; set compile to never, or install"
                " what it names"
            ) from error
        self.network, self._trial.is_over = self._plain, True
        return JobWarning(code="NOT_COMPILED", text=f"trained without torch.compile: {said}")

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return self._clock()

    def _after_plain(self, elapsed_s: float) -> JobMessage | None:
        self._trial.plain_s.append(elapsed_s)
        if len(self._trial.plain_s) < NUM_WARM_UP_STEPS + NUM_MEASURED_STEPS:
            return None
        if may_pay(_measured(self._trial.plain_s), self._num_steps_left):
            self.network = self._compiled(self._plain)
        else:
            self._trial.is_over = True
        return None

    def _after_compiled(self, elapsed_s: float) -> JobMessage | None:
        self._trial.compiled_s.append(elapsed_s)
        if len(self._trial.compiled_s) < NUM_WARM_UP_STEPS + NUM_MEASURED_STEPS:
            return None
        self._trial.is_over = True
        plain_s, compiled_s = _measured(self._trial.plain_s), _measured(self._trial.compiled_s)
        is_faster = compiled_s < plain_s
        if not is_faster:
            self.network = self._plain
        said = "goes on compiled" if is_faster else "goes on as it is"
        return JobMessage(
            text=f"torch.compile: a step takes {compiled_s * 1000:.0f} ms compiled and"
            f" {plain_s * 1000:.0f} ms as it is, compiling took {self._trial.compiled_s[0]:.0f} s:"
            f" {said}"
        )


def _measured(seconds: list[float]) -> float:
    return statistics.median(seconds[NUM_WARM_UP_STEPS:])
