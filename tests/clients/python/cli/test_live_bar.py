"""The end of the moving line: news, or that there are none."""

from io import StringIO

import pytest
from rich.console import Console
from rich.progress import Progress

from tests.fakes.fake_trainer import moved
from vertebra.cli.live_bar import Detail, live_bar
from vertebra.cli.live_job import LiveJob
from vertebra.trainer.v1 import train_job_pb2 as jobs


def end_of_line(state: jobs.JobState, silent_s: float) -> str:
    """Return what is seen of a job in a state, so long after its last event."""
    now_s = 1000.0
    bar = Progress(disable=True, get_time=lambda: now_s)
    watching = LiveJob(bar, jobs.TrainJob(), shows_plan=False)
    watching.show(moved(jobs.JOB_STATE_PREPARING, state))
    bar.update(bar.tasks[0].id, detail="9:22 left")
    now_s += silent_s
    return Detail().render(bar.tasks[0]).plain


@pytest.mark.parametrize(("silent_s", "seen"), [(14, "9:22 left"), (75, "nothing new for 1:15")])
def test_what_is_old_is_not_shown_as_news(silent_s: float, seen: str) -> None:
    assert end_of_line(jobs.JOB_STATE_RUNNING, silent_s) == seen


@pytest.mark.parametrize("state", [jobs.JOB_STATE_QUEUED, jobs.JOB_STATE_PAUSED])
def test_who_waits_has_nothing_to_say(state: jobs.JobState) -> None:
    assert end_of_line(state, 3600) == "9:22 left"


def test_a_narrow_line_is_still_one_line() -> None:
    page = Console(file=StringIO(), width=40, force_terminal=True, color_system=None)

    with live_bar(page) as bar:
        LiveJob(bar, jobs.TrainJob(), shows_plan=False)
        bar.update(bar.tasks[0].id, detail="1:02:03 left  1234 img/s  loss 5.06e-05")
        lines = page.render_lines(bar.get_renderable())

    assert len(lines) == 1
