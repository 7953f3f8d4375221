"""From how an attempt ended to where its job goes: budgets, waits, and words that help."""

import pytest

from trainer_service.job_store import Retries
from trainer_service.jobs import AttemptEnd, ExitClass, JobState, RunSpec
from trainer_service.supervisor import Timing
from trainer_service.supervisor.what_follows import what_follows

TIMING = Timing(first_backoff_s=10.0, longest_backoff_s=300.0)


def after(exit_class, *, failures=0, preemptions=0, run=None, reason="", did_a_step=True):
    end = AttemptEnd(exit_class=exit_class, reason=reason, detail="the worker died")
    before = Retries(num_failures=failures, num_preemptions=preemptions)
    return what_follows(end, before, run or RunSpec(), TIMING, did_a_step=did_a_step)


@pytest.mark.parametrize(
    "exit_class", [ExitClass.CRASHED, ExitClass.HUNG, ExitClass.HOST_OUT_OF_MEMORY]
)
def test_failures_are_tried_again_until_their_budget_is_spent(exit_class):
    states = [after(exit_class, failures=before).to_state for before in range(4)]

    assert states == [JobState.QUEUED, JobState.QUEUED, JobState.FAILED, JobState.FAILED]


def test_the_wait_doubles_with_every_failure_up_to_five_minutes():
    run = RunSpec(max_failures=100)

    waits = [after(ExitClass.CRASHED, failures=n, run=run).wait_s for n in range(8)]

    assert waits == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]


def test_no_budget_means_no_retry():
    assert after(ExitClass.CRASHED, run=RunSpec(max_failures=0)).to_state is JobState.FAILED


@pytest.mark.parametrize("exit_class", [ExitClass.PREEMPTED, ExitClass.HOST_LOST])
def test_preemptions_have_a_budget_of_their_own_and_do_not_wait(exit_class):
    """They are nobody's defect: counted together, a week on spot machines would fail any job."""
    following = after(exit_class, failures=100, preemptions=1000)

    assert (following.to_state, following.wait_s) == (JobState.QUEUED, 0.0)


def test_a_budget_of_preemptions_ends_too():
    run = RunSpec(max_preemptions=1)

    states = [after(ExitClass.PREEMPTED, preemptions=n, run=run).to_state for n in range(2)]

    assert states == [JobState.QUEUED, JobState.FAILED]


def test_preempted_before_a_step_it_waits_so_that_it_does_not_go_round_and_round():
    waits = [after(ExitClass.HOST_LOST, preemptions=n, did_a_step=False).wait_s for n in (0, 1, 20)]

    assert waits == [10.0, 20.0, 300.0]


@pytest.mark.parametrize(
    ("exit_class", "said", "reason"),
    [
        (ExitClass.REFUSED, "DATA_INVALID", "DATA_INVALID"),
        (ExitClass.DEVICE_OUT_OF_MEMORY, "", "DEVICE_OUT_OF_MEMORY"),
        (ExitClass.DEADLINE, "", "DEADLINE_EXCEEDED"),
        (ExitClass.CANCELLED, "", "WORKER_STOPPED"),
    ],
)
def test_what_trying_again_would_not_help_fails_at_once(exit_class, said, reason):
    following = after(exit_class, reason=said)

    assert (following.to_state, following.failure.reason) == (JobState.FAILED, reason)


@pytest.mark.parametrize(
    ("exit_class", "reason"),
    [
        (ExitClass.CRASHED, "WORKER_CRASHED"),
        (ExitClass.HUNG, "WORKER_HUNG"),
        (ExitClass.HOST_OUT_OF_MEMORY, "HOST_OUT_OF_MEMORY"),
    ],
)
def test_a_spent_budget_is_named_with_its_setting(exit_class, reason):
    following = after(exit_class, failures=2)

    assert following.failure.reason == reason
    assert "3 failures" in following.failure.message
    assert "`run.max_failures` is 2" in following.failure.message
    assert following.failure.message.startswith("the worker died")


@pytest.mark.parametrize(
    ("said", "reason"), [("INTERNAL", "WORKER_CRASHED"), ("SPOOL_DAMAGED", "SPOOL_DAMAGED")]
)
def test_a_reason_that_says_more_than_the_class_is_kept(said, reason):
    following = after(ExitClass.CRASHED, failures=2, reason=said)

    assert following.failure.reason == reason


def test_a_full_disk_pauses_the_job():
    following = after(ExitClass.DISK_FULL)

    assert (following.to_state, following.reason) == (JobState.PAUSED, "the worker died")


@pytest.mark.parametrize("exit_class", sorted(set(ExitClass) - {ExitClass.FINISHED}))
def test_every_end_leads_somewhere(exit_class):
    following = after(exit_class)

    assert following.to_state in (JobState.QUEUED, JobState.PAUSED, JobState.FAILED)
    assert (following.failure is not None) == (following.to_state is JobState.FAILED)
