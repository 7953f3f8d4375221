"""The learning rate over the steps."""

import pytest

from tests.fakes.running import ready, run
from tests.fakes.trainings import job_spec
from trainer_service.jobs import OptimizerSpec, ScheduleSpec, StepMetrics
from trainer_service.train.schedule import lr_factor


def course(schedule: ScheduleSpec, *, warmup_steps: int, num_steps: int) -> list[float]:
    """Return the factors of all steps."""
    return [
        lr_factor(step, schedule, warmup_steps=warmup_steps, num_steps=num_steps)
        for step in range(1, num_steps + 1)
    ]


def test_the_warm_up_is_a_straight_line_and_then_the_rate_stays() -> None:
    constant = ScheduleSpec()

    assert course(constant, warmup_steps=4, num_steps=6) == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    assert course(constant, warmup_steps=0, num_steps=2) == [1.0, 1.0]


def test_a_cosine_falls_from_the_whole_rate_to_the_last_ratio() -> None:
    cosine = ScheduleSpec(kind="cosine", final_lr_ratio=0.1)

    factors = course(cosine, warmup_steps=2, num_steps=6)

    # Half a cosine over the steps 2 to 6, by hand: 0.1 + 0.9 (1 + cos(k pi / 4)) / 2.
    expected = [0.5, 1.0, 0.86819805, 0.55, 0.23180195, 0.1]
    assert factors == pytest.approx(expected, abs=1e-7)


def test_a_line_falls_evenly_and_ends_at_the_last_ratio() -> None:
    line = ScheduleSpec(kind="linear", final_lr_ratio=0.0)

    assert course(line, warmup_steps=0, num_steps=5) == [1.0, 0.75, 0.5, 0.25, 0.0]


@pytest.mark.parametrize("kind", ["constant", "cosine", "linear"])
@pytest.mark.parametrize(("warmup_steps", "num_steps"), [(0, 1), (1, 1), (5, 3), (3, 3)])
def test_no_schedule_leaves_zero_to_one(kind: str, warmup_steps: int, num_steps: int) -> None:
    schedule = ScheduleSpec(kind=kind)  # type: ignore[arg-type]

    factors = course(schedule, warmup_steps=warmup_steps, num_steps=num_steps)

    assert all(0 <= factor <= 1 for factor in factors)


def test_steps_tell_the_rate_that_moved_them() -> None:
    """Seen on what moves: without momentum a weight of a linear head moves by lr x gradient."""
    spec = job_spec(
        "shufflenet_v2_x0_5",
        optimizer=OptimizerSpec(algorithm="sgd", lr=0.1, weight_decay=0.0),
        schedule=ScheduleSpec(kind="linear", warmup_steps=2),
        num_epochs=3,
        batch_size=8,
    )
    training, seal = ready(spec)

    events, _ = run(training, seal)

    rates = [event.values["lr"] for event in events if isinstance(event, StepMetrics)]
    assert rates == pytest.approx([0.05, 0.1, 0.0])
