"""How a worker's threads wait for each other: the environment that our engine gives them beside
the library's default, on a quiet machine and beside one busy process per two cores.

OpenMP's threads spin while they wait. Where another process wants the core, one thread then burns
the time that the other needs to finish.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.benchmarks.rows import Metric, Row, Sample, Way, compare, take_turns
from trainer_service.engines.process import WAITING_VARIABLES

NUM_THREADS = 2
THREADS = {"OMP_NUM_THREADS": str(NUM_THREADS), "MKL_NUM_THREADS": str(NUM_THREADS)}
METRICS = (
    Metric(name="wall_s", title="ms per step", scale=1000),
    Metric(name="cpu_s", title="CPU ms per step", scale=1000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    architecture_id: str = "resnet18"
    side_px: int = 64
    num_steps: int
    num_rounds: int


def measure(size: Size) -> list[Row]:
    """Return the rows of a quiet and of a contended machine."""
    with stepping(size, WAITING_VARIABLES) as ours, stepping(size, {}) as default:
        quiet = _rows(size, ours, default, "nothing beside")
        with busy_process():
            return [*quiet, *_rows(size, ours, default, "beside a busy process")]


class Stepper:
    """A child that takes steps."""

    def __init__(self, process: "subprocess.Popen[str]", num_steps: int) -> None:
        self._process = process
        self._num_steps = num_steps

    def run(self) -> Sample:
        """Return the seconds per step."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{self._num_steps}\n")
        self._process.stdin.flush()
        wall_s, cpu_s = map(float, self.answer().split())
        return {"wall_s": wall_s / self._num_steps, "cpu_s": cpu_s / self._num_steps}

    def answer(self) -> str:
        """Return the next line that the child prints."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def stepping(size: Size, variables: Mapping[str, str]) -> Iterator[Stepper]:
    """Yield a child that has warmed up in an environment with these variables."""
    inherited = {name: text for name, text in os.environ.items() if name not in WAITING_VARIABLES}
    program = ["tests.benchmarks.step_program", size.architecture_id, str(size.side_px)]
    with ExitStack() as ends:
        process = subprocess.Popen(
            [sys.executable, "-m", *program],
            env={**inherited, **THREADS, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        ends.enter_context(process)
        ends.callback(process.kill)
        stepper = Stepper(process, size.num_steps)
        assert stepper.answer() == "ready\n"
        yield stepper


@contextmanager
def busy_process() -> Iterator[None]:
    """Have another process want a core all the time."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _rows(size: Size, ours: Stepper, default: Stepper, where: str) -> list[Row]:
    what = f"training steps of {size.architecture_id} at {size.side_px} px, {where}"
    variables = " ".join(f"{name}={text}" for name, text in WAITING_VARIABLES.items())
    with_ours = Way(
        name=f"worker's variables, {where}", command=f"{variables} {what}", run=ours.run
    )
    without = Way(name=f"default, {where}", command=what, run=default.run)
    samples = take_turns([with_ours, without], size.num_rounds)
    return compare("wait_policy", with_ours, without, METRICS, samples)
