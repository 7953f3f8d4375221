"""What a job says that is killed, paused, resumed and rolled back on its way."""

from tests.fakes.fake_trainer import epoch, moved, plan, step
from tests.fakes.told_jobs import data_checked
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer.v1 import train_run_pb2 as runs

QUEUED, PREPARING = jobs.JOB_STATE_QUEUED, jobs.JOB_STATE_PREPARING
RUNNING, PAUSING, PAUSED = jobs.JOB_STATE_RUNNING, jobs.JOB_STATE_PAUSING, jobs.JOB_STATE_PAUSED
KILLED = "its worker was killed by signal 9; it starts again in 10 s"


def interrupted_script() -> list[events.TrainEvent]:
    """Return a job of two epochs: killed in the second, paused, and resumed, then done."""
    return numbered(
        [
            (1, [*begun(), epoch(0, "validation", 2.4, 0.1), *first_epoch(), step(2, 3, 0.6)]),
            (1, [ended(1, runs.EXIT_CLASS_CRASHED), moved_for(RUNNING, QUEUED, KILLED)]),
            (2, [*begun(), rolled_back(1, 2), *first_epoch()[1:], step(2, 3, 0.6)]),
            (2, [moved(RUNNING, PAUSING), ended(2, runs.EXIT_CLASS_PAUSED)]),
            (2, [moved_for(PAUSING, PAUSED, "for the night"), moved(PAUSED, QUEUED)]),
            (3, [*begun(), rolled_back(3, 0), step(2, 4, 0.4), epoch(2, "train", 0.5, 0.88)]),
            (3, [epoch(2, "validation", 0.3, 0.91), said("exporting")]),
            (3, [moved(RUNNING, jobs.JOB_STATE_SUCCEEDED)]),
        ]
    )


def numbered(attempts: list[tuple[int, list[events.TrainEvent]]]) -> list[events.TrainEvent]:
    """Return the events with their numbers, attempts and times."""
    script = [(attempt, event) for attempt, told in attempts for event in told]
    for seq, (attempt, event) in enumerate(script, start=1):
        event.seq, event.attempt = seq, attempt
        event.time.seconds = 1_700_000_000 + seq
    return [event for _, event in script]


def begun() -> list[events.TrainEvent]:
    """Return what every attempt says before it trains."""
    return [
        moved(QUEUED, PREPARING),
        moved(PREPARING, RUNNING),
        said("loading resnet18"),
        data_checked(),
        events.TrainEvent(planned=plan()),
    ]


def first_epoch() -> list[events.TrainEvent]:
    """Return two steps and their epoch."""
    return [
        step(1, 1, 2.3),
        step(1, 2, 1.2),
        epoch(1, "train", 1.7, 0.5),
        epoch(1, "validation", 0.9, 0.7),
    ]


def said(text: str) -> events.TrainEvent:
    """Return a line for people."""
    return events.TrainEvent(message=events.Message(text=text))


def moved_for(before: jobs.JobState, after: jobs.JobState, reason: str) -> events.TrainEvent:
    """Return a change of state that says why."""
    change = events.StateChanged(from_state=before, to_state=after, reason=reason)
    return events.TrainEvent(state_changed=change)


def ended(number: int, exit_class: runs.ExitClass) -> events.TrainEvent:
    """Return the end of an attempt."""
    return events.TrainEvent(
        attempt_ended=events.AttemptEnded(number=number, exit_class=exit_class)
    )


def rolled_back(to_step: int, num_lost: int) -> events.TrainEvent:
    """Return the begin of a further attempt."""
    back = events.RolledBack(to_step=to_step, to_epoch=0, num_lost_steps=num_lost)
    return events.TrainEvent(rolled_back=back)
