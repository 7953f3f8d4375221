"""Random lives of jobs: callers ask for anything at any time, and the tests play the supervisor.

A model in plain Python says what each call must do; the contract's tables are written out here
once more, on purpose.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any

import grpc
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.trainer_service.api.conftest import Trainer
from trainer_service.errors import JobNotFound, LeaseLost
from trainer_service.jobs import JobState, TransitionRefused
from vertebra.client_errors import from_rpc_error
from vertebra.trainer.v1 import train_job_pb2
from vertebra.trainer.v1 import train_job_service_pb2 as pb

S = JobState
WAITING, FINAL = (S.QUEUED, S.PAUSED), (S.SUCCEEDED, S.FAILED, S.CANCELLED)
HELD = (S.PREPARING, S.RUNNING, S.PAUSING, S.CANCELLING)

ANSWERS: dict[str, dict[JobState, JobState | str]] = {
    "Pause": {
        **{S.QUEUED: S.PAUSED, S.PREPARING: S.PAUSING, S.RUNNING: S.PAUSING},
        **{S.PAUSING: S.PAUSING, S.PAUSED: S.PAUSED, S.CANCELLING: "JOB_CANCELLING"},
        **dict.fromkeys(FINAL, "JOB_FINISHED"),
    },
    "Cancel": {
        **dict.fromkeys(WAITING, S.CANCELLED),
        **dict.fromkeys(HELD, S.CANCELLING),
        **{S.SUCCEEDED: "JOB_FINISHED", S.FAILED: "JOB_FINISHED", S.CANCELLED: S.CANCELLED},
    },
    "Resume": {
        **{S.PAUSED: S.QUEUED, S.FAILED: S.QUEUED, S.CANCELLED: S.QUEUED, S.QUEUED: S.QUEUED},
        **{S.PREPARING: S.PREPARING, S.RUNNING: S.RUNNING, S.PAUSING: "JOB_PAUSING"},
        **{S.CANCELLING: "JOB_CANCELLING", S.SUCCEEDED: "JOB_FINISHED"},
    },
    "Delete": {
        **dict.fromkeys((S.QUEUED, *HELD), "JOB_ACTIVE"),
        **dict.fromkeys((S.PAUSED, *FINAL), "gone"),
    },
}
"""What a call does to a job in each state: its next state, `gone`, or the reason of a refusal."""

MOVES: dict[JobState, tuple[JobState, ...]] = {
    S.PREPARING: (S.RUNNING, S.QUEUED, S.FAILED),
    S.RUNNING: (S.SUCCEEDED, S.FAILED, S.QUEUED, S.PAUSED),
    S.PAUSING: (S.PAUSED, S.RUNNING, S.SUCCEEDED, S.FAILED),
    S.CANCELLING: (S.CANCELLED, S.FAILED),
}
"""What a supervisor may do with a job that it holds."""


@dataclass(slots=True)
class Life:
    """What a job should be."""

    job_id: str
    state: JobState = S.QUEUED
    num_lines: int = 0
    last_step: int = 0
    snapshots: dict[str, bool] = field(default_factory=dict)
    """Id -> is pinned."""


@dataclass(frozen=True, slots=True)
class Done:
    """A request that succeeded."""

    kind: str
    name: str
    fields: dict[str, Any]


class Lives(RuleBasedStateMachine):
    """Jobs of one run, told apart from others' by a label."""

    def __init__(self, trainer: Trainer) -> None:
        super().__init__()
        self.trainer = trainer
        self.run = uuid.uuid4().hex
        self.lives: list[Life] = []
        self.done: list[Done] = []
        self.created: dict[str, str] = {}

    # What callers do

    @rule(priority=st.integers(-2, 2))
    def create(self, priority: int) -> None:
        """Create a job."""
        spec = self.trainer.spec(display_name=self.run)
        spec.labels["run"], spec.run.priority = self.run, priority
        request_id = str(uuid.uuid4())
        job = self.trainer.create(spec, request_id).job
        again = self.trainer.create(spec, request_id)
        assert (again.replayed, again.job.job_id) == (True, job.job_id)
        self.lives.append(Life(job.job_id))

    @precondition(lambda self: self.lives)
    @rule(data=st.data(), kind=st.sampled_from(sorted(ANSWERS)))
    def steer(self, data: st.DataObject, kind: str) -> None:
        """Pause, cancel, resume or delete some job."""
        life = data.draw(st.sampled_from(self.lives))
        fields = {"request_id": str(uuid.uuid4())}
        if kind != "Delete":
            fields["reason"] = data.draw(st.sampled_from(["", "lunch"]))
        self._expect(life, kind, fields, ANSWERS[kind][life.state])

    @precondition(lambda self: any(life.snapshots for life in self.lives))
    @rule(data=st.data())
    def resume_from(self, data: st.DataObject) -> None:
        """Resume a job from one of its snapshots, or from one that it does not have."""
        life = data.draw(st.sampled_from([life for life in self.lives if life.snapshots]))
        snapshot_id = data.draw(st.sampled_from([*life.snapshots, "99-7"]))
        expected = ANSWERS["Resume"][life.state]
        if life.state in (S.PREPARING, S.RUNNING):
            expected = "JOB_RUNNING"
        elif snapshot_id == "99-7" and isinstance(expected, JobState):
            expected = "SNAPSHOT_NOT_FOUND"
        name = f"trainJobs/{life.job_id}/snapshots/{snapshot_id}"
        fields = {"request_id": str(uuid.uuid4()), "snapshot": name}
        self._expect(life, "Resume", fields, expected)

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """Send a request once more, and once with something else in it: nothing happens."""
        done = data.draw(st.sampled_from(self.done))
        is_there = done.name in [life.job_id for life in self.lives]
        answer = self._steer(done.kind, done.name, done.fields)
        if done.kind != "Delete" and not is_there:
            assert answer == "JOB_NOT_FOUND"
        else:
            assert not isinstance(answer, str), answer
        if done.kind != "Delete" and is_there:
            other = {**done.fields, "reason": "another one"}
            assert self._steer(done.kind, done.name, other) == "REQUEST_ID_REUSED"

    @precondition(lambda self: any(life.snapshots for life in self.lives))
    @rule(data=st.data(), pinned=st.booleans())
    def pin(self, data: st.DataObject, pinned: bool) -> None:
        """Pin or unpin a snapshot."""
        life = data.draw(st.sampled_from([life for life in self.lives if life.snapshots]))
        snapshot_id = data.draw(st.sampled_from(sorted(life.snapshots)))
        name = f"trainJobs/{life.job_id}/snapshots/{snapshot_id}"
        request = pb.PinSnapshotRequest(name=name, pinned=pinned)
        assert self.trainer.stub.PinSnapshot(request, timeout=60).snapshot.is_pinned is pinned
        life.snapshots[snapshot_id] = pinned

    # What supervisors do

    @precondition(lambda self: any(life.state is S.QUEUED for life in self.lives))
    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        """Begin an attempt."""
        queued = [life for life in self.lives if life.state is S.QUEUED]
        life = data.draw(st.sampled_from(queued))
        self.trainer.claim(life.job_id)
        life.state, life.num_lines = S.PREPARING, 0

    @precondition(lambda self: any(life.state in MOVES for life in self.lives))
    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        """Move a job that is held, as its worker does or as it must not."""
        life = data.draw(st.sampled_from([life for life in self.lives if life.state in MOVES]))
        to_state = data.draw(st.sampled_from([S.PREPARING, *MOVES[life.state]]))
        hold = self.trainer.hold(life.job_id)
        try:
            self.trainer.store.move(hold, to_state)
        except TransitionRefused:
            assert to_state is S.PREPARING
        else:
            assert to_state in MOVES[life.state]
            life.state = to_state
        if life.state not in HELD:
            self._expect_no_hold(hold)

    @precondition(lambda self: any(life.state in (S.RUNNING, S.PAUSING) for life in self.lives))
    @rule(data=st.data(), num_steps=st.integers(1, 3))
    def train(self, data: st.DataObject, num_steps: int) -> None:
        """Tell of a few steps and of a snapshot, as a worker does."""
        running = [life for life in self.lives if life.state in (S.RUNNING, S.PAUSING)]
        life = data.draw(st.sampled_from(running))
        first = life.last_step + 1
        life.last_step += num_steps
        self.trainer.steps(life.job_id, first, life.last_step, index=life.num_lines)
        life.num_lines += num_steps
        ref = self.trainer.snapshot(life.job_id, life.last_step, index=life.num_lines)
        life.num_lines += 1
        life.snapshots[ref.snapshot_id] = False

    # What must be so

    def teardown(self) -> None:
        """Compare every job with its model, and clear the table."""
        for life in self.lives:
            job = self.trainer.stub.GetTrainJob(pb.GetTrainJobRequest(name=life.job_id), timeout=60)
            assert _state(job.job) is life.state
            self._check_log(life, job.job.last_seq)
            listed = pb.ListSnapshotsRequest(name=life.job_id)
            kept = self.trainer.stub.ListSnapshots(listed, timeout=60).snapshots
            pins = {one.name.rpartition("/")[2]: one.is_pinned for one in kept}
            assert pins == life.snapshots
        for state in JobState:
            ours = pb.ListTrainJobsRequest(filter=f"labels.run = {self.run} AND state = {state}")
            found = self.trainer.stub.ListTrainJobs(ours, timeout=60)
            assert found.total_size == sum(life.state is state for life in self.lives)

    def _check_log(self, life: Life, last_seq: int) -> None:
        """Check that a log is dense and that each move of it is one of the table's."""
        request = pb.ListTrainJobEventsRequest(name=life.job_id, page_size=5000)
        events = self.trainer.stub.ListTrainJobEvents(request, timeout=60).events
        assert [event.seq for event in events] == list(range(1, last_seq + 1))
        state = None
        for event in events:
            if event.WhichOneof("event") != "state_changed":
                continue
            moved = event.state_changed
            to_state = STATES[moved.to_state]
            assert STATES.get(moved.from_state) is state
            assert state is None or to_state in POSSIBLE[state], (state, to_state)
            state = to_state
        assert state is life.state

    # Inside

    def _expect(
        self, life: Life, kind: str, fields: dict[str, Any], expected: JobState | str
    ) -> None:
        answer = self._steer(kind, life.job_id, fields)
        if expected == "gone":
            assert not isinstance(answer, str), answer
            self.lives.remove(life)
        elif isinstance(expected, JobState):
            assert not isinstance(answer, str), answer
            assert _state(answer.job) is expected
            life.state = expected
        else:
            assert answer == expected
            return
        self.done.append(Done(kind, life.job_id, fields))

    def _steer(self, kind: str, name: str, fields: dict[str, Any]) -> Any:
        """Return the answer, or the reason of a refusal."""
        try:
            return self.trainer.steered(kind, name, **fields)
        except grpc.RpcError as error:
            return from_rpc_error(error, "trainer").reason

    def _expect_no_hold(self, hold: Any) -> None:
        """Check that whoever held the job may not write any more."""
        try:
            self.trainer.store.move(hold, S.RUNNING)
        except (LeaseLost, JobNotFound, TransitionRefused):
            return
        raise AssertionError(f"{hold} still moves its job")


STATES = {train_job_pb2.JobState.Value(f"JOB_STATE_{state.name}"): state for state in JobState}

POSSIBLE: dict[JobState, set[JobState]] = {
    state: {
        *MOVES.get(state, ()),
        *({S.PREPARING} if state is S.QUEUED else set()),
        *({S.QUEUED} if state in (S.PAUSED, S.FAILED, S.CANCELLED) else set()),
        *({S.PAUSING} if state in (S.PREPARING, S.RUNNING) else set()),
        *({S.PAUSED} if state is S.QUEUED else set()),
        *({S.CANCELLING} if state not in FINAL else set()),
    }
    for state in JobState
}
"""Every move that a caller or a supervisor can make."""


def _state(job: train_job_pb2.TrainJob) -> JobState:
    return STATES[job.state]
