"""Whatever is asked in whatever order: the log is dense, every move is in the table, a job has one
holder, and its curves are what its log says.
"""

from itertools import pairwise

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from catalog_service.errors import VertebraError
from tests.fakes.job_values import step
from tests.fakes.stored_jobs import (
    EXPORT,
    HOST,
    all_events,
    cancel,
    lines,
    pause,
    queued_job,
    resume,
    snapshot,
    spec_with,
)
from trainer_service.job_store import Outcome
from trainer_service.jobs import (
    FINAL_STATES,
    HOLDING,
    RESUMABLE,
    TRANSITIONS,
    AttemptEnd,
    AttemptEnded,
    ExitClass,
    JobState,
    RolledBack,
    StateChanged,
    StepMetrics,
)

S = JobState
OTHER = "host-b"


class Life:
    """One job, two hosts that both believe that it is theirs, and callers."""

    def __init__(self, store, clock):
        self.store, self.clock = store, clock
        self.job_id = queued_job(store, spec_with(max_preemptions=1))
        self.holds = []

    def claim(self, host):
        self.holds.append(self.store.claim(self.job_id, host, 30.0).hold)

    def with_hold(self, work, is_old):
        """Do something as the newest holder, or as the one before, which lost the job."""
        holds = self.holds[:-1] if is_old else self.holds
        if holds:
            work(holds[-1])

    def say(self, hold, *events):
        attempt = self.store.attempt(self.job_id)
        self.store.append_lines(hold, lines(*events, first=attempt.num_lines_stored))

    def train(self, hold, *, saves=True):
        done = self.store.find_job(self.job_id).progress.step
        attempt = self.store.attempt(self.job_id)
        if attempt.start_step is None:
            choices = self.store.resume_from(self.job_id)
            to_step = choices[0].step if choices else 0
            self.say(hold, RolledBack(to_step=to_step, to_epoch=0))
            done = to_step
        self.say(hold, step(done + 1), step(done + 2))
        if saves:
            self.say(hold, snapshot(hold.attempt, done + 2))

    def lose(self):
        self.clock.now += 1000
        self.store.take_over("host-c", lapsed_s=30.0)


CRASH = AttemptEnd(exit_class=ExitClass.CRASHED)

MOVES = {
    "claim": lambda life, old: life.claim(OTHER if old else HOST),
    "run": lambda life, old: life.with_hold(lambda h: life.store.move(h, S.RUNNING), old),
    "train": lambda life, old: life.with_hold(life.train, old),
    "step": lambda life, old: life.with_hold(lambda h: life.train(h, saves=False), old),
    "retry": lambda life, old: life.with_hold(
        lambda h: life.store.move(h, S.QUEUED, end=CRASH), old
    ),
    "paused": lambda life, old: life.with_hold(lambda h: life.store.move(h, S.PAUSED), old),
    "succeed": lambda life, old: life.with_hold(
        lambda h: life.store.finish(h, Outcome(state=S.SUCCEEDED, export=EXPORT)), old
    ),
    "fail": lambda life, old: life.with_hold(
        lambda h: life.store.finish(h, Outcome(state=S.FAILED, end=CRASH)), old
    ),
    "cancelled": lambda life, old: life.with_hold(
        lambda h: life.store.finish(h, Outcome(state=S.CANCELLED)), old
    ),
    "cancel": lambda life, _: cancel(life.store, life.job_id),
    "pause": lambda life, _: pause(life.store, life.job_id),
    "resume": lambda life, _: resume(life.store, life.job_id),
    "lose": lambda life, _: life.lose(),
}
LIKELY = ("claim", "run", "train", "step", "step", "retry", "claim")
"""Most lives should come to training."""

CRASHED = [
    (name, False) for name in ["claim", "run", "step", "step", "retry", "claim", "run", "step"]
]
"""Its second attempt begins anew, and tells less than the first had told."""


def check_states(events):
    moves = [event for event in events if isinstance(event, StateChanged)]
    for before, move in pairwise(moves):
        assert move.from_state is before.to_state
        is_resume = move.from_state in RESUMABLE and move.to_state is S.QUEUED
        assert is_resume or move.to_state in TRANSITIONS[move.from_state]
    return moves[-1].to_state


def replayed(events):
    """Return the losses that the log tells of, as a naive reader keeps them."""
    losses = {}
    for event in events:
        if isinstance(event, StepMetrics):
            losses[event.step] = event.values["loss"]
        if isinstance(event, RolledBack):
            losses = {number: loss for number, loss in losses.items() if number <= event.to_step}
    return losses


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@example(moves=CRASHED)
@given(
    moves=some.lists(
        some.tuples(
            some.sampled_from([*LIKELY, *MOVES]), some.integers(0, 3).map(lambda n: n == 0)
        ),
        max_size=20,
    )
)
def test_every_life_is_told_whole(store, clock, moves):
    life = Life(store, clock)

    for name, is_old in moves:
        try:
            MOVES[name](life, is_old)
        except VertebraError:
            continue

    job = store.find_job(life.job_id)
    records = store.events(life.job_id, after_seq=0, limit=1000)
    assert [record.seq for record in records] == list(range(1, job.last_seq + 1))
    assert check_states(all_events(store, life.job_id)) is job.state
    assert bool(job.owner) is (job.state in HOLDING)
    assert (job.end_time > 0) is (job.state in FINAL_STATES)
    ends = [e.number for e in all_events(store, life.job_id) if isinstance(e, AttemptEnded)]
    assert len(ends) == len(set(ends))
    curves = {
        one.name: dict(zip(one.steps, one.values, strict=True))
        for one in store.metrics(life.job_id).series
    }
    assert curves.get("step/loss", {}) == replayed(all_events(store, life.job_id))
    told = [ref.step for ref in store.snapshots(life.job_id)]
    assert told == sorted(told, reverse=True)
