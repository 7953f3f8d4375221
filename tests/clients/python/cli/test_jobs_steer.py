"""Pausing, resuming and deleting jobs, their snapshots and curves, and what is free."""

import json

import pytest

from tests.clients.python.conftest import Shell
from tests.fakes.fake_trainer import FakeTrainer, moved
from vertebra.trainer.v1 import train_job_pb2 as jobs


@pytest.fixture
def failed(with_trainer: FakeTrainer) -> FakeTrainer:
    """A trainer with two jobs that failed."""
    with_trainer.final_state = jobs.JOB_STATE_FAILED
    with_trainer.keep("abcd1234")
    with_trainer.keep("beef5678")
    return with_trainer


def test_several_jobs_are_paused_at_once(shell: Shell, failed: FakeTrainer) -> None:
    code, out, _ = shell("jobs", "pause", "abcd", "beef", "--reason", "night", "--within", "2m")

    assert code == 0
    assert out.splitlines() == ["abcd1234  paused  night", "beef5678  paused  night"]
    assert {request.deadline.seconds for request in failed.life.requests} == {120}


@pytest.mark.parametrize("verb", ["pause", "cancel"])
def test_a_job_that_is_refused_keeps_no_other(shell: Shell, failed: FakeTrainer, verb: str) -> None:
    code, out, err = shell("jobs", verb, "nope", "beef")

    assert code == 4
    assert out.splitlines()[0].startswith("beef5678  ")
    assert len(out.splitlines()) == 1
    assert "nope" in err


@pytest.mark.parametrize(
    ("after", "code"), [(jobs.JOB_STATE_PAUSED, 0), (jobs.JOB_STATE_RUNNING, 1)]
)
def test_a_pause_is_waited_for_and_one_that_fails_has_code_1(
    shell: Shell, failed: FakeTrainer, after: jobs.JobState, code: int
) -> None:
    """The job that is asked is pausing; its events say how that ends."""
    job = failed.kept["abcd1234"]
    job.last_seq = 3
    failed.life.paused_state = jobs.JOB_STATE_PAUSING
    failed.script[4:] = [moved(jobs.JOB_STATE_PAUSING, after)]
    failed.script[4].seq = 5
    failed.after_openings = lambda: setattr(job, "state", after)

    ended, out, _ = shell("jobs", "pause", "abcd")

    assert ended == code
    assert jobs.JobState.Name(after).removeprefix("JOB_STATE_").lower() in out
    assert failed.openings == [3]


def test_a_pause_that_is_not_waited_for_returns_at_once(shell: Shell, failed: FakeTrainer) -> None:
    failed.life.paused_state = jobs.JOB_STATE_PAUSING

    code, out, _ = shell("jobs", "pause", "abcd", "--no-wait")

    assert (code, failed.openings) == (0, [])
    assert "pausing" in out


def test_what_cannot_be_paused_is_said_in_one_sentence(
    shell: Shell, with_trainer: FakeTrainer
) -> None:
    with_trainer.keep("abcd1234")

    code, out, err = shell("jobs", "pause", "abcd")

    assert (code, out) == (4, "")
    assert err == "error: job abcd1234 has succeeded\n"


def test_a_job_goes_on_from_a_snapshot_that_is_named_shortly(
    shell: Shell, failed: FakeTrainer
) -> None:
    code, out, _ = shell("jobs", "resume", "abcd", "--from", "2-80")

    assert code == 0
    assert out.startswith("abcd1234  queued")
    assert failed.life.requests[-1].snapshot == "trainJobs/abcd1234/snapshots/2-80"


def test_a_resumed_job_is_watched_from_there_on(shell: Shell, failed: FakeTrainer) -> None:
    job = failed.kept["abcd1234"]
    job.last_seq = 9
    failed.after_openings = lambda: setattr(job, "state", jobs.JOB_STATE_SUCCEEDED)

    code, out, _ = shell("jobs", "resume", "abcd", "--watch")

    assert failed.openings[0] == 9
    assert "epoch 2/2" in out and "epoch 1/2" not in out
    assert code == 0


@pytest.mark.parametrize("flag", [("--watch",), ("--from", "2-80")])
def test_what_takes_one_job_refuses_two(
    shell: Shell, failed: FakeTrainer, flag: tuple[str, ...]
) -> None:
    code, _, err = shell("jobs", "resume", "abcd", "beef", *flag)

    assert code == 2
    assert "--watch and --from take one job" in err
    assert failed.life.requests == []


def test_nothing_is_deleted_unasked(shell: Shell, failed: FakeTrainer) -> None:
    code, _, err = shell("jobs", "delete", "abcd")

    assert code == 2
    assert "add --yes" in err
    assert set(failed.kept) == {"abcd1234", "beef5678"}


def test_jobs_are_deleted_by_whole_name(shell: Shell, failed: FakeTrainer) -> None:
    code, out, _ = shell("jobs", "delete", "abcd", "beef", "--yes")

    assert code == 0
    assert out == "abcd1234  is deleted\nbeef5678  is deleted\n"
    assert failed.kept == {}


def test_deleted_jobs_are_told_as_they_were(shell: Shell, failed: FakeTrainer) -> None:
    code, out, _ = shell("jobs", "delete", "abcd", "--yes", "--json")

    assert code == 0
    assert json.loads(out)["job_id"] == "abcd1234"
    assert set(failed.kept) == {"beef5678"}


def test_one_that_is_not_there_keeps_the_others(shell: Shell, failed: FakeTrainer) -> None:
    """All are looked for first."""
    code, _, err = shell("jobs", "delete", "abcd", "nope", "--yes")

    assert code == 4 and "no job 'nope'" in err
    assert set(failed.kept) == {"abcd1234", "beef5678"}


def test_snapshots_say_why_they_stay(shell: Shell, failed: FakeTrainer) -> None:
    code, out, _ = shell("jobs", "snapshots", "abcd")

    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert lines[1][:6] == ["2-80", "80", "1", "134.0", "MB", "0.4"]
    assert [line.split("  ")[-1] for line in out.splitlines()[1:]] == [
        "newest",
        "second newest, best epoch",
        "pinned",
    ]


@pytest.mark.parametrize(("verb", "told"), [("pin", "pinned"), ("unpin", "not pinned")])
def test_a_snapshot_is_pinned_and_unpinned(
    shell: Shell, failed: FakeTrainer, verb: str, told: str
) -> None:
    code, out, _ = shell("jobs", verb, "abcd", "2-80")

    assert code == 0
    assert out == f"2-80  {told}\n"


def test_curves_are_shown_with_their_best_step(shell: Shell, failed: FakeTrainer) -> None:
    code, out, _ = shell("jobs", "metrics", "abcd", "validation/*", "--points", "10")

    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert " ".join(lines[1]) == "validation/loss █▁ 0.9000 0.3000 0.3000 90 2 of 2,000"
    assert failed.life.requests[-1].max_points == 10


def test_curves_for_programs_lose_no_digit(shell: Shell, failed: FakeTrainer) -> None:
    _, out, _ = shell("jobs", "metrics", "abcd", "--csv")

    assert out.splitlines()[:2] == ["series,step,epoch,value", "validation/accuracy,45,1,0.7"]


def test_jobs_of_a_label_are_listed_as_ids(shell: Shell, failed: FakeTrainer) -> None:
    code, out, _ = shell("jobs", "ls", "-q", "--label", "team=vision", "--filter", "state = failed")

    assert code == 0
    assert out == "abcd1234\nbeef5678\n"
    assert failed.filters == ['state = failed AND labels.team = "vision"']


def test_no_job_is_no_line(shell: Shell, with_trainer: FakeTrainer) -> None:
    assert shell("jobs", "ls", "-q")[:2] == (0, "")


def test_capacity_says_what_is_free_and_what_waits(shell: Shell, with_trainer: FakeTrainer) -> None:
    code, out, _ = shell("capacity")

    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert code == 0
    assert lines[1:4] == [
        "north cuda:0 NVIDIA H200 150.0 GB 0000f00d",
        "cuda:1 NVIDIA H200 150.0 GB free",
        "south (takes no more) cpu:0 4 cores - free",
    ]
    assert "free 2 of 3 devices" in lines
    assert "engines process, ray" in lines


def test_capacity_is_json_for_programs(shell: Shell, with_trainer: FakeTrainer) -> None:
    _, out, _ = shell("capacity", "--json")

    assert json.loads(out)["num_queued_jobs"] == 4
