"""One job a request, dense events, each spool line once, nothing after the end."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.fakes.job_values import epoch_metrics, job_model, job_spec, planned, step, train_plan
from trainer_service.errors import (
    JobFinished,
    JobNotFound,
    RequestIdReused,
    SpoolGap,
    StoreVersionUnknown,
    TooManyJobsWait,
)
from trainer_service.job_store import JobStore, NewJob, Outcome
from trainer_service.jobs import (
    FINAL_STATES,
    ClassEvaluation,
    Evaluated,
    Evaluation,
    Export,
    Exported,
    ExportFile,
    Failed,
    JobFailure,
    JobMessage,
    JobState,
    ModelReady,
    Planned,
    SpoolLine,
    StateChanged,
    TransitionRefused,
)

EXPORT = Export(
    architecture_id="resnet18",
    backbone_digest="sha256:1",
    state_digest="sha256:2",
    files=(ExportFile(kind="metadata", path="/x/metadata.json"),),
)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'jobs.db'}"


@pytest.fixture
def store(url):
    opened = JobStore(url)
    yield opened
    opened.close()


def new_job(*, request_id: str = "", spec=None) -> NewJob:
    spec = spec or job_spec()
    return NewJob(
        spec=spec,
        sent_spec='{"backbone": "resnet18"}',
        request_id=request_id or str(uuid.uuid4()),
        request_hash=spec.display_name,
    )


def running_job(store: JobStore) -> str:
    job_id = store.create_job(new_job()).job.job_id
    store.begin_attempt(job_id)
    store.pin_model(job_id, job_model())
    store.set_running(job_id)
    return job_id


def cancel(store: JobStore, job_id: str, reason: str = "enough"):
    request_id = str(uuid.uuid4())
    return store.request_cancel(job_id, request_id=request_id, request_hash="h", reason=reason)


def lines(*events, first: int = 0) -> list[SpoolLine]:
    return [
        SpoolLine(index=index, time=100.0 + index, event=event)
        for index, event in enumerate(events, start=first)
    ]


def all_events(store: JobStore, job_id: str):
    return store.events(job_id, after_seq=0, limit=10_000)


def test_a_created_job_reads_back_queued_with_its_first_event(store):
    created = store.create_job(new_job())

    job = store.find_job(created.job.job_id)
    events = all_events(store, job.job_id)

    assert not created.replayed
    assert job == created.job
    assert job.state is JobState.QUEUED
    assert job.spec == job_spec()
    assert job.sent_spec == '{"backbone": "resnet18"}'
    assert [event.event for event in events] == [
        StateChanged(from_state=None, to_state=JobState.QUEUED)
    ]


def test_the_same_request_gives_the_first_job(store):
    request = new_job()
    first = store.create_job(request)

    again = store.create_job(request)

    assert again.replayed
    assert again.job == first.job
    assert len(store.summaries()) == 1
    recalled = store.recall_creation(request.request_id, request.request_hash)
    assert recalled == first.job


def test_a_request_id_with_another_request_is_refused(store):
    request_id = str(uuid.uuid4())
    store.create_job(new_job(request_id=request_id))

    with pytest.raises(RequestIdReused, match="another request"):
        store.create_job(new_job(request_id=request_id, spec=job_spec(display_name="other")))
    assert len(store.summaries()) == 1


def test_twenty_creations_at_once_with_one_id_make_one_job(store):
    request = new_job()
    together = threading.Barrier(20)

    def create(_):
        together.wait()
        return store.create_job(request)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(create, range(20)))

    assert {answer.job.job_id for answer in answers} == {answers[0].job.job_id}
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len(store.summaries()) == 1


def test_two_processes_worth_of_stores_share_one_request(store, url):
    request = new_job()
    other = JobStore(url)

    first = store.create_job(request)
    second = other.create_job(request)
    other.close()

    assert second.replayed
    assert second.job.job_id == first.job.job_id
    assert other.log_id == store.log_id


def test_a_full_queue_refuses_more(url):
    store = JobStore(url, max_waiting_jobs=1)
    store.create_job(new_job())

    with pytest.raises(TooManyJobsWait):
        store.create_job(new_job())
    store.close()


def test_a_job_is_found_by_name_id_and_unique_prefix(store):
    job = store.create_job(new_job()).job

    for name in (job.job_id, f"trainJobs/{job.job_id}", job.job_id[:6]):
        assert store.find_job(name).job_id == job.job_id


@pytest.mark.parametrize("name", ["", "trainJobs/", "zz", "%", "_", "trainJobs/nonsense"])
def test_a_name_that_fits_no_job_is_not_found(store, name):
    store.create_job(new_job())

    with pytest.raises(JobNotFound):
        store.find_job(name)


def test_a_prefix_of_several_jobs_is_not_found_and_names_them(store):
    ids = [store.create_job(new_job()).job.job_id for _ in range(17)]
    shared = next(a[0] for a in ids if sum(b[0] == a[0] for b in ids) > 1)

    with pytest.raises(JobNotFound, match="jobs start with"):
        store.find_job(shared)


def test_events_are_dense_and_fold_into_the_job(store):
    job_id = running_job(store)

    store.append_lines(job_id, 1, lines(planned(), step(1), step(2), epoch_metrics(1, 0.5)))
    store.append_lines(job_id, 1, lines(step(3), epoch_metrics(2, 0.75), first=4))

    job = store.find_job(job_id)
    events = all_events(store, job_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert job.last_seq == len(events)
    assert job.plan == train_plan()
    assert job.model == job_model()
    assert job.progress.step == 3
    assert job.metrics["validation/accuracy"] == 0.75
    assert job.metrics["step/loss"] == pytest.approx(1 / 3)
    assert [type(event.event) for event in events[:5]] == [
        StateChanged,
        StateChanged,
        ModelReady,
        StateChanged,
        Planned,
    ]


def test_the_newest_evaluation_is_the_jobs(store):
    job_id = running_job(store)
    first = Evaluation(metrics={"iou": 0.25}, confusion=(1, 2, 3, 4), num_images=10)
    newest = Evaluation(
        metrics={"iou": 0.5},
        classes=(ClassEvaluation(name="cat", metrics={"iou": 0.75}, num_true=3),),
        num_images=10,
    )

    assert store.find_job(job_id).evaluation is None
    store.append_lines(job_id, 1, lines(Evaluated(epoch=1, evaluation=first)))
    store.append_lines(job_id, 1, lines(Evaluated(epoch=2, evaluation=newest), first=1))

    assert store.find_job(job_id).evaluation == newest
    assert [job.evaluation for job in store.jobs([job_id])] == [newest]


def test_lines_given_twice_are_stored_once(store):
    job_id = running_job(store)
    whole = lines(step(1), step(2), step(3))

    store.append_lines(job_id, 1, whole[:2])
    store.append_lines(job_id, 1, whole)
    store.append_lines(job_id, 1, whole)

    steps = [e.event.step for e in all_events(store, job_id) if hasattr(e.event, "step")]
    assert steps == [1, 2, 3]


def test_a_missing_line_is_refused_and_nothing_of_it_is_stored(store):
    job_id = running_job(store)
    before = store.position(job_id)

    with pytest.raises(SpoolGap, match="line 0 is missing"):
        store.append_lines(job_id, 1, lines(step(2), first=1))
    assert store.position(job_id) == before


def test_a_workers_last_word_is_no_event(store):
    job_id = running_job(store)
    before, _ = store.position(job_id)

    store.append_lines(job_id, 1, lines(step(1), Failed(reason="R", message="m")))

    assert store.position(job_id) == (before + 1, False)


def test_nothing_is_appended_after_the_end(store):
    job_id = running_job(store)
    store.finish(job_id, Outcome(state=JobState.SUCCEEDED, export=EXPORT))
    last = store.position(job_id)

    store.append_lines(job_id, 1, lines(step(1)))
    store.say(job_id, JobMessage(text="too late"))

    assert last[1]
    assert store.position(job_id) == last


def test_an_export_and_the_final_state_come_together(store):
    job_id = running_job(store)

    store.finish(job_id, Outcome(state=JobState.SUCCEEDED, export=EXPORT))

    assert store.exports(job_id) == [EXPORT]
    last_two = [event.event for event in all_events(store, job_id)[-2:]]
    assert last_two[0] == Exported(export=EXPORT)
    assert last_two[1].to_state is JobState.SUCCEEDED


def test_a_refused_move_leaves_no_trace(store):
    job_id = running_job(store)
    cancel(store, job_id)
    before = store.position(job_id)

    with pytest.raises(TransitionRefused):
        store.finish(job_id, Outcome(state=JobState.SUCCEEDED, export=EXPORT))

    assert store.exports(job_id) == []
    assert store.position(job_id) == before


def test_cancelling_twice_changes_nothing(store):
    job_id = running_job(store)
    first = cancel(store, job_id, reason="enough")

    second = cancel(store, job_id, reason="really")

    assert first.state is JobState.CANCELLING
    assert second == first
    assert first.state_reason == "enough"


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED])
def test_a_finished_job_cannot_be_cancelled(store, state):
    job_id = running_job(store)
    store.finish(job_id, Outcome(state=state, failure=JobFailure(reason="R", message="m")))

    with pytest.raises(JobFinished, match=state.value):
        cancel(store, job_id)


def test_a_failure_reads_back(store):
    job_id = running_job(store)
    failure = JobFailure(reason="DATA_INVALID", message="no cats")

    store.finish(job_id, Outcome(state=JobState.FAILED, reason="no cats", failure=failure))

    assert store.find_job(job_id).failure == failure
    assert store.find_job(job_id).end_time > 0


def test_listeners_hear_of_every_change(store):
    heard: list[str] = []
    store.subscribe(heard.append)

    job_id = running_job(store)

    assert heard == [job_id] * 4


def test_a_database_of_another_release_is_refused(store, url, tmp_path):
    with sql.create_engine(url).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreVersionUnknown, match="9999"):
        JobStore(url)


def test_another_database_has_another_log(store, tmp_path):
    other = JobStore(f"sqlite:///{tmp_path / 'other.db'}")
    other.close()

    assert other.log_id != store.log_id


MOVES = ("begin", "run", "succeed", "fail", "cancel", "end_cancel", "line")


def move(store: JobStore, job_id: str, name: str) -> None:
    """Try one move; the store refuses those that the table does not have."""
    match name:
        case "begin":
            store.begin_attempt(job_id)
        case "run":
            store.set_running(job_id)
        case "succeed":
            store.finish(job_id, Outcome(state=JobState.SUCCEEDED, export=EXPORT))
        case "fail":
            store.finish(job_id, Outcome(state=JobState.FAILED))
        case "cancel":
            cancel(store, job_id)
        case "end_cancel":
            store.finish(job_id, Outcome(state=JobState.CANCELLED))
        case "line":
            attempt = store.attempt(job_id)
            if attempt:
                start = attempt.num_lines_stored
                store.append_lines(job_id, attempt.number, lines(step(1), first=start))


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(some.lists(some.sampled_from(MOVES), max_size=12))
def test_random_moves_keep_the_log_dense_and_the_end_final(store, moves):
    job_id = store.create_job(new_job()).job.job_id

    for name in moves:
        try:
            move(store, job_id, name)
        except (TransitionRefused, JobFinished):
            continue

    events = all_events(store, job_id)
    states = [e.event.to_state for e in events if isinstance(e.event, StateChanged)]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert states[-1] is store.find_job(job_id).state
    assert not any(state in FINAL_STATES for state in states[:-1])
    if states[-1] in FINAL_STATES:
        assert isinstance(events[-1].event, StateChanged)
