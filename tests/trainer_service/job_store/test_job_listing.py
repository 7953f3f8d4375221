"""Lists in SQL answer as lists in memory do."""

import json
from datetime import UTC, datetime

import pytest
import sqlalchemy as sql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from catalog_service.errors import InvalidRequest
from catalog_service.serving.listing import Field, Listing, page_token_of, query_hash
from tests.fakes.stored_jobs import cancel, new_job, queued_job, spec_with
from trainer_service.job_store import JobRecord, JobStore

NAMES = ("", "a", "A", "ä", "a b", "a%b", "a_b", "a*b", "a?b", "a[b]", "Z", "\U0001f600", "a\\b")
LABELS = ("team", "a.b/c-d", "other")
VALUES = ("vision", "Vision", "v1", "")


def label(name):
    return Field(name=f"labels.{name}", get=lambda job: job.spec.labels.get(name))


def time_of(seconds):
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


IN_MEMORY: Listing[JobRecord] = Listing(
    [
        Field(name="job_id", get=lambda job: job.job_id),
        Field(name="display_name", get=lambda job: job.spec.display_name),
        Field(name="state", get=lambda job: job.state.value),
        Field(name="backbone", get=lambda job: job.spec.model.backbone),
        Field(name="create_time", get=lambda job: time_of(job.create_time), kind="time"),
        Field(name="end_time", get=lambda job: time_of(job.end_time), kind="time"),
        Field(name="priority", get=lambda job: job.spec.run.priority, kind="number"),
        *(label(name) for name in LABELS),
    ],
    "create_time desc",
)


def fill(store, clock):
    """Store jobs that differ in everything that can be asked for."""
    for number, name in enumerate(NAMES * 2):
        labels = {LABELS[number % 3]: VALUES[number % 4]} if number % 5 else {}
        clock.now += number % 3
        job_id = queued_job(
            store, spec_with(labels=labels, display_name=name, priority=number % 4 - 1)
        )
        if number % 7 == 0:
            clock.now += 0.25
            cancel(store, job_id)


@pytest.fixture
def filled(store, clock):
    fill(store, clock)
    return store, list(store.jobs([job.job_id for job in store.page_of_jobs(page_size=999).items]))


def pages(store, **query):
    """Return the ids of every page, and the totals that were said."""
    found, totals, token = [], set(), ""
    while True:
        page = store.page_of_jobs(**query, page_size=5, page_token=token)
        found += [job.job_id for job in page.items]
        totals.add(page.total_size)
        token = page.next_page_token
        if not token:
            return found, totals


texts = some.sampled_from(
    [name for name in NAMES if name] + ["queued", "resnet18", "a*", "*b*", "*"]
)
states = some.sampled_from(["queued", "cancelled", "running"])
quoted = texts.map(lambda text: json.dumps(text, ensure_ascii=False))
times = some.sampled_from(
    ["1970-01-12T13:46:50Z", "1970-01-12T13:46:43.25Z", "2030-01-01T00:00:00Z"]
)
text_terms = some.tuples(
    some.sampled_from(["display_name", "backbone"]),
    some.sampled_from(["=", "!=", "<", "<=", ">", ">=", ":"]),
    quoted,
)
state_terms = some.tuples(
    some.just("state"), some.sampled_from(["=", "!=", "<", "<=", ">", ">="]), states
) | some.tuples(some.just("state"), some.just(":"), quoted)
label_terms = some.tuples(
    some.sampled_from([f"labels.{name}" for name in LABELS]),
    some.sampled_from(["=", "!=", "<", ">=", ":"]),
    some.sampled_from(['"vision"', '"v*"', '""', '"V1"']),
)
number_terms = some.tuples(
    some.just("priority"),
    some.sampled_from(["=", "!=", "<", ">="]),
    some.sampled_from(["0", "1", "-1", "0.5"]),
)
time_terms = some.tuples(
    some.sampled_from(["create_time", "end_time"]),
    some.sampled_from(["=", "!=", "<", ">="]),
    times,
)
terms = text_terms | state_terms | label_terms | number_terms | time_terms
filters = some.lists(terms, max_size=3).map(
    lambda asked: " AND ".join(" ".join(term) for term in asked)
)
orders = some.lists(
    some.tuples(
        some.sampled_from(
            ["display_name", "state", "create_time", "end_time", "priority", "job_id"]
        ),
        some.sampled_from(["", " desc", " asc"]),
    ).map("".join),
    max_size=3,
).map(", ".join)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(asked=filters, order=orders)
def test_a_list_in_sql_is_the_list_in_memory(filled, asked, order):
    store, jobs = filled

    found, totals = pages(store, filter=asked, order_by=order)

    wanted = IN_MEMORY.page(jobs, filter=asked, order_by=order, page_size=999, resource="x")
    assert found == [job.job_id for job in wanted.items]
    assert totals == {wanted.total_size}


def test_new_jobs_neither_double_nor_hide_others(store, clock):
    old = [queued_job(store) for _ in range(6)]
    first = store.page_of_jobs(page_size=3)
    clock.now += 1
    queued_job(store)

    rest = store.page_of_jobs(page_size=9, page_token=first.next_page_token)

    assert sorted(job.job_id for job in (*first.items, *rest.items)) == sorted(old)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"filter": "colour = red"}, "FILTER_INVALID"),
        ({"filter": "labels = red"}, "FILTER_INVALID"),
        ({"filter": "labels. = red"}, "FILTER_INVALID"),
        ({"filter": "state > "}, "FILTER_INVALID"),
        ({"filter": "state = runing"}, "FILTER_INVALID"),
        ({"filter": "state != JOB_STATE_RUNNING"}, "FILTER_INVALID"),
        ({"filter": "priority : 3"}, "FILTER_INVALID"),
        ({"filter": "create_time > yesterday"}, "FILTER_INVALID"),
        ({"filter": 'display_name = "a\0b"'}, "FILTER_INVALID"),
        ({"order_by": "labels.team"}, "ORDER_INVALID"),
        ({"order_by": "state sideways"}, "ORDER_INVALID"),
        ({"page_size": -1}, "FIELD_INVALID"),
        ({"page_token": "nonsense"}, "PAGE_TOKEN_INVALID"),
    ],
)
def test_a_wrong_list_is_refused_in_the_words_of_all_lists(store, query, reason):
    with pytest.raises(InvalidRequest) as refused:
        store.page_of_jobs(**query)
    assert refused.value.error_reason == reason


@pytest.mark.parametrize(
    "key", [("x", "id"), (None, "id"), (True, "id"), (1.0, 7), (1.0, "a\0"), (1.0, ["id"])]
)
def test_a_token_that_was_tampered_with_is_refused(store, key):
    """PostgreSQL would stumble over a value of another type."""
    token = page_token_of(query_hash("trainJobs", "", ""), key)

    with pytest.raises(InvalidRequest) as refused:
        store.page_of_jobs(page_token=token)
    assert refused.value.error_reason == "PAGE_TOKEN_INVALID"


def plan_of(store: JobStore, url: str, statement: str) -> str:
    engine = sql.create_engine(url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
    engine.dispose()
    return " / ".join(str(row[-1]) for row in rows)


def test_the_usual_list_and_the_queue_are_read_in_the_order_of_an_index(sqlite_url):
    """Ten thousand waiting jobs must cost no more than ten."""
    store = JobStore(sqlite_url)
    store.create_job(new_job())
    usual = "SELECT job_id FROM jobs ORDER BY create_time DESC, job_id LIMIT 51"
    queue = (
        "SELECT job_id FROM jobs WHERE state = 'queued' AND not_before <= 1 "
        "ORDER BY priority DESC, create_time, job_id LIMIT 100"
    )

    plans = [plan_of(store, sqlite_url, statement) for statement in (usual, queue)]
    store.close()

    assert "ix_jobs_newest" in plans[0]
    assert "ix_jobs_queue" in plans[1]
    assert not any("TEMP B-TREE" in plan for plan in plans)
