"""Logs that grow too long lose their oldest events, and nothing else."""

from tests.fakes.job_values import step
from tests.fakes.stored_jobs import lines, running_job
from trainer_service.job_store import removal


def long_job(store, num_steps=20):
    hold = running_job(store)
    store.append_lines(hold, lines(*(step(number) for number in range(1, num_steps + 1))))
    return hold


def test_the_oldest_events_go(store):
    hold = long_job(store)
    last_seq, _ = store.position(hold.job_id)

    store.compact(hold.job_id, keep=5)

    job = store.find_job(hold.job_id)
    assert (job.first_seq, job.last_seq) == (last_seq - 4, last_seq)
    kept = store.events(hold.job_id, after_seq=job.first_seq - 1, limit=100)
    assert [record.seq for record in kept] == list(range(last_seq - 4, last_seq + 1))


def test_a_short_log_stays_as_it_is(store):
    hold = long_job(store)

    store.compact(hold.job_id, keep=1000)
    store.compact("gone", keep=1)

    assert store.find_job(hold.job_id).first_seq == 1


def test_a_long_log_goes_in_pieces(store, monkeypatch):
    """Others write in between."""
    monkeypatch.setattr(removal, "MAX_EVENTS_AT_ONCE", 3)
    hold = long_job(store)

    store.compact(hold.job_id, keep=2)

    job = store.find_job(hold.job_id)
    assert job.last_seq - job.first_seq + 1 == 2
    assert len(store.events(hold.job_id, after_seq=job.first_seq - 1, limit=100)) == 2


def test_a_compacted_log_goes_on(store):
    hold = long_job(store)
    store.compact(hold.job_id, keep=1)
    last_seq, _ = store.position(hold.job_id)

    store.append_lines(hold, lines(step(21), first=20))

    assert [r.seq for r in store.events(hold.job_id, after_seq=last_seq, limit=9)] == [last_seq + 1]
