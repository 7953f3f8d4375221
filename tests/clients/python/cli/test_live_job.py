"""A job that is killed, paused, resumed and rolled back, as a person sees it."""

import re
from collections.abc import Iterable
from io import StringIO

import pytest
from rich.console import Console
from rich.progress import Progress

from tests.clients.python.conftest import Shell
from tests.fakes.fake_trainer import FakeTrainer, epoch, step
from tests.fakes.told_interruptions import (
    PAUSING,
    QUEUED,
    RUNNING,
    interrupted_script,
    moved_for,
    numbered,
    rolled_back,
    said,
)
from vertebra.cli.live import follow_job
from vertebra.cli.live_job import LiveJob
from vertebra.event_cursor import EventGap
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer_client import TrainerClient


def lines_of(script: Iterable[events.TrainEvent]) -> list[str]:
    """Return the lines where output is no terminal."""
    page = Console(file=StringIO(), width=300, color_system=None, highlight=False)
    watching = LiveJob(Progress(console=page, disable=True), jobs.TrainJob(), shows_plan=True)
    for event in script:
        watching.show(event)
    return [line.rstrip() for line in page.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_an_interruption_is_two_lines_and_nothing_is_said_twice() -> None:
    lines = lines_of(interrupted_script())

    begin = next(place for place, line in enumerate(lines) if line.startswith("start"))
    assert [re.sub(r"  +", "  ", line) for line in lines[begin:]] == [
        "start  validation loss 2.4000 accuracy 0.1000",
        "epoch 1/2  train loss 1.7000 accuracy 0.5000  validation loss 0.9000 accuracy 0.7000",
        "interrupted  its worker was killed by signal 9; it starts again in 10 s",
        "goes on at step 1  2 steps are done again",
        "paused  for the night",
        "goes on at step 3",
        "epoch 2/2  train loss 0.5000 accuracy 0.8800  validation loss 0.3000 accuracy 0.9100",
        "exporting",
    ]
    assert len(lines) == len(set(lines) - {""}) + lines.count("")


def test_an_epoch_that_comes_out_otherwise_the_second_time_is_shown_again() -> None:
    """As on another number of devices."""
    again = [rolled_back(0, 2), epoch(1, "validation", 0.8, 0.75)]

    lines = lines_of(numbered([(1, [epoch(1, "validation", 0.9, 0.7)]), (2, again)]))

    assert [line.split()[4] for line in lines if line.startswith("epoch")] == ["0.9000", "0.8000"]


def test_half_an_epoch_of_the_attempt_before_is_forgotten() -> None:
    script = [(1, [epoch(1, "train", 9.0, 0.1)]), (2, [rolled_back(0, 2)])]
    script.append((2, [epoch(1, "validation", 0.9, 0.7)]))

    lines = lines_of(numbered(script))

    assert "train" not in lines[-1]


def test_a_pause_that_fails_says_why_training_goes_on() -> None:
    change = moved_for(PAUSING, RUNNING, "saving did not end within 5 s")

    assert lines_of([change]) == ["running  saving did not end within 5 s"]


def test_a_snapshot_that_fails_is_a_note() -> None:
    failed = events.SnapshotFailed(reason="DISK_FULL", message="no room below '/data'")

    assert lines_of([events.TrainEvent(snapshot_failed=failed)]) == [
        "note: no snapshot was saved: no room below '/data'"
    ]


def test_an_end_that_was_none_is_shown_once_the_job_goes_on() -> None:
    """A failed job that somebody resumed; its last end is not part of the events' lines."""
    end = moved_for(RUNNING, jobs.JOB_STATE_FAILED, "the disk is gone")

    assert lines_of([end]) == []
    assert lines_of([end, said("loading resnet18")]) == [
        "failed  the disk is gone",
        "loading resnet18",
    ]


@pytest.mark.parametrize(
    ("to_step", "lost", "line"),
    [
        (0, 7, "goes on from the start  7 steps are done again"),
        (1500, 1, "goes on at step 1,500  1 step is done again"),
        (1500, 0, "goes on at step 1,500"),
    ],
)
def test_where_a_job_goes_on_is_said_with_what_was_lost(to_step: int, lost: int, line: str) -> None:
    assert lines_of([rolled_back(to_step, lost)]) == [line]


def test_events_that_are_gone_are_said_to_be() -> None:
    page = Console(file=StringIO(), width=300, color_system=None, highlight=False)
    watching = LiveJob(Progress(console=page, disable=True), jobs.TrainJob(), shows_plan=True)

    watching.miss(EventGap(first_seq=5, last_seq=900))

    assert "events 5 to 900 are not kept any more" in page.file.getvalue()  # type: ignore[attr-defined]


def test_the_bar_goes_back_and_the_time_left_does_not_count_the_pause() -> None:
    bar = Progress(disable=True)
    watching = LiveJob(bar, jobs.TrainJob(), shows_plan=False)
    first, second, third, fourth = (
        step(1, 1, 1.0),
        step(1, 20, 1.0),
        step(1, 11, 1.0),
        step(1, 21, 1),
    )
    told = [first, second, moved_for(RUNNING, QUEUED, "killed"), rolled_back(10, 10), third, fourth]
    bar.update(bar.tasks[0].id, total=31)
    for event, time_s in zip(told, (100, 119, 120, 9000, 9001, 9011), strict=True):
        event.time.seconds = time_s
        watching.show(event)
        if event is told[3]:
            assert bar.tasks[0].completed == 10

    assert bar.tasks[0].fields["detail"].startswith("0:10 left")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("break_how", ["unavailable", "rst", "draining"])
def test_a_terminal_shows_the_same_over_a_connection_that_breaks(
    trainer: FakeTrainer,
    trainer_client: TrainerClient,
    width: int,
    break_how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No colour where NO_COLOR says so, no line wider than the terminal, no word of the breaks."""
    monkeypatch.setenv("NO_COLOR", "1")
    trainer.script = interrupted_script()
    trainer.break_every, trainer.break_how = 3, break_how
    trainer.keep("abcd")
    page = Console(force_terminal=True, width=width, file=StringIO(), legacy_windows=False)

    follow_job(trainer_client, "abcd", page)

    text = page.file.getvalue()  # type: ignore[attr-defined]
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert max(map(len, re.split(r"[\r\n]", plain))) <= width
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", text)
    assert plain.count("interrupted") == 1
    assert plain.count("goes on") == 2


def test_programs_see_every_event_of_every_attempt(shell: Shell, with_trainer: FakeTrainer) -> None:
    with_trainer.script = interrupted_script()
    with_trainer.keep("abcd1234")

    code, out, _ = shell("jobs", "watch", "abcd", "--json")

    assert code == 0
    assert len(out.splitlines()) == len(with_trainer.script) + 1
    assert out.count('"rolled_back"') == 2


def test_a_job_that_is_resumed_and_watched_goes_on_with_one_line(
    shell: Shell, with_trainer: FakeTrainer
) -> None:
    """What it says before it trains was said to who watched it before."""
    with_trainer.script = interrupted_script()
    with_trainer.final_state = jobs.JOB_STATE_FAILED
    paused = next(
        event.seq
        for event in with_trainer.script
        if event.state_changed.to_state == jobs.JOB_STATE_PAUSED
    )
    job = with_trainer.keep("abcd1234")
    job.last_seq = paused
    with_trainer.after_openings = lambda: setattr(job, "state", jobs.JOB_STATE_SUCCEEDED)

    _, out, _ = shell("jobs", "resume", "abcd", "--watch")

    assert [line.split()[0] for line in out.splitlines()[:4]] == [
        "abcd1234",
        "goes",
        "epoch",
        "exporting",
    ]
