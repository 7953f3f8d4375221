"""Names, positions, events and what a page says."""

import pytest

from tests.fakes.job_values import job_model, planned, step, train_plan
from tests.fakes.stored_jobs import (
    EXPORT,
    all_events,
    lines,
    queued_job,
    running_job,
)
from trainer_service.errors import CursorCompacted, JobNotFound
from trainer_service.job_store import Outcome, rows
from trainer_service.jobs import Exported, JobState


def test_a_job_is_found_by_name_id_and_unique_prefix(store):
    job_id = queued_job(store)

    for name in (job_id, f"trainJobs/{job_id}", job_id[:6]):
        assert store.find_job(name).job_id == job_id


@pytest.mark.parametrize("name", ["", "trainJobs/", "zz", "%", "_", "trainJobs/nonsense", "\0"])
def test_a_name_that_fits_no_job_is_not_found(store, name):
    queued_job(store)

    with pytest.raises(JobNotFound):
        store.find_job(name)


def test_a_prefix_of_several_jobs_is_not_found_and_names_them(store):
    ids = [queued_job(store) for _ in range(17)]
    shared = next(a[0] for a in ids if sum(b[0] == a[0] for b in ids) > 1)

    with pytest.raises(JobNotFound, match="jobs start with"):
        store.find_job(shared)


def test_a_page_of_the_log_begins_after_the_cursor(store):
    hold = running_job(store)
    store.append_lines(hold, lines(*(step(number) for number in range(1, 8))))
    last_seq, _ = store.position(hold.job_id)

    page = store.events(hold.job_id, after_seq=last_seq - 5, limit=3)

    assert [record.seq for record in page] == [last_seq - 4, last_seq - 3, last_seq - 2]


def test_events_that_are_not_kept_are_not_skipped_silently(store):
    hold = running_job(store)
    store.append_lines(hold, lines(*(step(number) for number in range(1, 8))))
    last_seq, _ = store.position(hold.job_id)
    store.compact(hold.job_id, keep=3)

    with pytest.raises(CursorCompacted) as refused:
        store.events(hold.job_id, after_seq=0, limit=10)

    assert refused.value.metadata == {"oldest_seq": str(last_seq - 2)}
    assert len(store.events(hold.job_id, after_seq=last_seq - 3, limit=10)) == 3
    assert store.events(hold.job_id, after_seq=last_seq, limit=10) == []


def test_a_whole_job_reads_back(store):
    hold = running_job(store)
    store.append_lines(hold, lines(planned(), step(1)))

    job = store.find_job(hold.job_id)

    assert (job.plan, job.model) == (train_plan(), job_model())
    assert (job.owner, job.attempt, job.first_seq) == (hold.owner, 1, 1)
    assert store.jobs([hold.job_id, "gone"]) == [job]


def test_a_list_parses_each_model_once(store, monkeypatch):
    """Fifty jobs of one model: its layout took most of a list's time."""
    rows._shared.cache_clear()
    for _ in range(5):
        running_job(store)

    jobs = store.page_of_jobs().items

    assert [job.model for job in jobs] == [job_model()] * 5
    assert rows._shared.cache_info().misses == 1


def test_what_is_waited_for_is_asked_by_name(store):
    first, second = queued_job(store), queued_job(store)
    hold = running_job(store)

    seqs = store.last_seqs([first, hold.job_id, "gone"])

    assert seqs == {first: 1, hold.job_id: store.find_job(hold.job_id).last_seq}
    assert second not in seqs


def test_a_look_is_the_job_as_it_stands(store):
    hold = running_job(store)

    look = store.look(hold.job_id)

    assert (look.state, look.owner, look.attempt) == (JobState.RUNNING, hold.owner, 1)
    assert look.last_seq == store.position(hold.job_id)[0]


def test_many_jobs_are_asked_for_their_states_at_once(store):
    running, queued = running_job(store).job_id, queued_job(store)

    states = store.states({running, queued, "gone"})

    assert states == {running: JobState.RUNNING, queued: JobState.QUEUED}


def test_exports_read_back_with_their_event(store):
    hold = running_job(store)

    store.finish(hold, Outcome(state=JobState.SUCCEEDED, export=EXPORT))

    assert store.exports(hold.job_id) == [EXPORT]
    assert Exported(export=EXPORT) in all_events(store, hold.job_id)
