"""Filter, order and page of ListTrainJobs, in SQL: the same grammar and the same answers as
`catalog_service.serving.listing`, without reading every job.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sql

from catalog_service.errors import InvalidRequest, Violation
from catalog_service.serving.filter_expression import Kind, Term, Value, parse_terms
from catalog_service.serving.listing import (
    Page,
    bad_token,
    last_key,
    page_size_of,
    page_token_of,
    parse_order,
    query_hash,
)
from trainer_service.job_store.schema import JOB_LABELS, JOBS
from trainer_service.jobs import JobState

RESOURCE = "trainJobs"
DEFAULT_ORDER = "create_time desc"
IDENTITY = "job_id"

ORDERED: dict[str, Kind] = {
    "job_id": "text",
    "display_name": "text",
    "state": "text",
    "backbone": "text",
    "create_time": "time",
    "end_time": "time",
    "priority": "number",
}
FILTERED: dict[str, Kind] = {**ORDERED, "labels.*": "text"}

_TOKEN_TYPES: dict[Kind, tuple[type, ...]] = {
    "text": (str,),
    "number": (int,),
    "time": (int, float),
}

Condition = sql.ColumnElement[bool]

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda column, value: column == value,
    "!=": lambda column, value: column.is_distinct_from(value),
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
}
"""A field without a value equals nothing and is neither more nor less than anything."""


@dataclass(frozen=True, slots=True)
class _Words:
    """How this database spells what databases spell differently."""

    is_sqlite: bool

    def text(self, column: sql.ColumnElement[str]) -> sql.ColumnElement[str]:
        """Return a column that is compared by code points, as Python does and SQLite by itself."""
        return column if self.is_sqlite else sql.collate(column, "C")

    def fits(self, column: sql.ColumnElement[str], pattern: str) -> Condition:
        """Return whether a text fits a pattern in which `*` is the only special character."""
        if self.is_sqlite:
            special = {"?": "[?]", "[": "[[]"}
            glob = "".join(special.get(letter, letter) for letter in pattern)
            return column.op("GLOB", is_comparison=True)(glob)
        special = {"%": "\\%", "_": "\\_", "\\": "\\\\", "*": "%"}
        like = "".join(special.get(letter, letter) for letter in pattern)
        return column.like(like, escape="\\")


def page_of_jobs(
    connection: sql.Connection,
    filter: str,  # noqa: A002  # the word of the contract
    order_by: str,
    page_size: int,
    page_token: str,
) -> Page[str]:
    """Return the ids of one page of the jobs that match.

    Raises:
        InvalidRequest: FILTER_INVALID, ORDER_INVALID, PAGE_TOKEN_INVALID or FIELD_INVALID.
    """
    words = _Words(connection.dialect.name == "sqlite")
    size = page_size_of(page_size)
    is_match = [_condition(term, words) for term in parse_terms(filter, FILTERED)]
    order = _order(order_by)
    query = query_hash(RESOURCE, filter, order_by)
    after = [_after(order, _last(page_token, query, order), words)] if page_token else []
    columns = [_ordered_column(name, words).label(f"key_{name}") for name, _ in order]
    rows = connection.execute(
        sql.select(*columns)
        .where(*is_match, *after)
        .order_by(*(_directed(name, direction, words) for name, direction in order))
        .limit(size + 1)
    ).all()
    total = sql.select(sql.func.count()).select_from(JOBS).where(*is_match)
    place = [name for name, _ in order].index(IDENTITY)
    return Page(
        items=tuple(row[place] for row in rows[:size]),
        next_page_token=page_token_of(query, tuple(rows[size - 1])) if len(rows) > size else "",
        total_size=int(connection.execute(total).scalar_one()),
    )


def _order(order_by: str) -> list[tuple[str, int]]:
    terms = parse_order(order_by.strip() or DEFAULT_ORDER, ORDERED)
    return terms if IDENTITY in (name for name, _ in terms) else [*terms, (IDENTITY, 1)]


def _last(token: str, query: str, order: Sequence[tuple[str, int]]) -> tuple[Any, ...]:
    """Return where the page before ended; a token that was tampered with is refused."""
    key = last_key(token, query, len(order))
    for value, (name, _) in zip(key, order, strict=True):
        if isinstance(value, bool) or not isinstance(value, _TOKEN_TYPES[ORDERED[name]]):
            raise bad_token()
        if isinstance(value, str) and "\0" in value:
            raise bad_token()
    return key


def _after(order: Sequence[tuple[str, int]], last: Sequence[Any], words: _Words) -> Condition:
    """Return whether a row comes after `last`: in the first column that differs, it does."""
    is_equal: list[Condition] = []
    ways = []
    for (name, direction), value in zip(order, last, strict=True):
        column = _ordered_column(name, words)
        ways.append(sql.and_(*is_equal, column > value if direction > 0 else column < value))
        is_equal.append(column == value)
    return sql.or_(*ways)


def _directed(name: str, direction: int, words: _Words) -> sql.UnaryExpression[Any]:
    column = _ordered_column(name, words)
    return column.asc() if direction > 0 else column.desc()


def _ordered_column(name: str, words: _Words) -> sql.ColumnElement[Any]:
    """Return a column to order by; one without a value holds 0 there and comes first."""
    column = JOBS.c[name]
    return words.text(column) if ORDERED[name] == "text" and name != IDENTITY else column


def _condition(term: Term, words: _Words) -> Condition:
    family, _, member = term.field.partition(".")
    if family == "labels":
        return _label_condition(member, term, words)
    if term.field == "state":
        _check_state(term)
    if ORDERED[term.field] == "text":
        return _text_condition(JOBS.c[term.field], term, words)
    column: sql.ColumnElement[Any] = JOBS.c[term.field]
    if term.field == "end_time":
        column = sql.func.nullif(column, 0.0)
    answer: Condition = _COMPARE[term.operator](column, _number(term.value))
    return answer


def _text_condition(
    column: sql.ColumnElement[str], term: Term, words: _Words
) -> sql.ColumnElement[bool]:
    text = _checked_text(term.value)
    if term.operator == ":":
        return words.fits(column, text)
    is_ordered = term.operator not in ("=", "!=")  # else a collation would only hide the index
    answer: Condition = _COMPARE[term.operator](words.text(column) if is_ordered else column, text)
    return answer


def _label_condition(name: str, term: Term, words: _Words) -> Condition:
    """Return whether a job's label is as wanted; a job without it has no value there.

    As a list of jobs: SQLite begins with those, where it would look at every job for `exists`.
    """
    wanted = Term(
        field=term.field,
        operator="=" if term.operator == "!=" else term.operator,
        value=term.value,
    )
    have_it = sql.select(JOB_LABELS.c.job_id).where(
        JOB_LABELS.c.name == name, _text_condition(JOB_LABELS.c.value, wanted, words)
    )
    has_it = JOBS.c.job_id.in_(have_it)
    return ~has_it if term.operator == "!=" else has_it


def _number(value: Value) -> Value:
    return value.timestamp() if isinstance(value, datetime) else value


def _check_state(term: Term) -> None:
    """Refuse a state that no job can be in: a misspelt one would find nothing, for ever."""
    if term.operator != ":" and term.value not in list(JobState):
        states = ", ".join(JobState)
        raise _bad(f"no state {str(term.value)[:100]!r}; states are {states}")


def _checked_text(value: Value) -> str:
    assert isinstance(value, str)
    if "\0" in value:
        raise _bad("a NUL is in no field of a job")
    return value


def _bad(problem: str) -> InvalidRequest:
    return InvalidRequest(
        f"filter: {problem}",
        reason="FILTER_INVALID",
        violations=[Violation(field="filter", description=problem)],
    )
