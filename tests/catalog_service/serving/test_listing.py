"""Filter, order and page, as the contract describes them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_service.errors import InvalidRequest
from catalog_service.serving.listing import Field, Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    name: str
    task: str = "classification"
    size: int | None = 0
    licences: tuple[str, ...] = ()
    is_buildable: bool = True
    create_time: datetime | None = None


LISTING = Listing(
    [
        Field(name="name", get=lambda row: row.name),
        Field(name="task", get=lambda row: row.task),
        Field(name="size", get=lambda row: row.size, kind="number"),
        Field(name="licences", get=lambda row: row.licences, kind="texts"),
        Field(name="is_buildable", get=lambda row: row.is_buildable, kind="boolean"),
        Field(name="create_time", get=lambda row: row.create_time, kind="time"),
    ],
    "name",
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROWS = (
    Row(name="resnet50", size=25, licences=("BSD-3-Clause", "CC-BY"), create_time=NOON),
    Row(name="resnet18", size=11, licences=("BSD-3-Clause",)),
    Row(name="fcn_resnet50", task="segmentation", size=35, is_buildable=False),
    Row(name="vit b", size=None, create_time=NOON + timedelta(days=1)),
)


def names(filter_text: str = "", order_by: str = "") -> list[str]:
    page = LISTING.page(ROWS, filter=filter_text, order_by=order_by, resource="rows")
    return [row.name for row in page.items]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"resnet50", "resnet18", "fcn_resnet50", "vit b"}),
        ("name = resnet50", {"resnet50"}),
        ('name = "vit b"', {"vit b"}),
        ("name:resnet*", {"resnet50", "resnet18"}),
        ("name : *resnet50", {"resnet50", "fcn_resnet50"}),
        ("name:resnet", set()),
        ("name:r.snet50", set()),
        ("name != resnet50", {"resnet18", "fcn_resnet50", "vit b"}),
        ("size < 25", {"resnet18"}),
        ("size <= 25", {"resnet18", "resnet50"}),
        ("size>2.5e1", {"fcn_resnet50"}),
        ("size >= 25 AND task = classification", {"resnet50"}),
        ("licences = BSD-3-Clause", {"resnet50", "resnet18"}),
        ("licences:CC*", {"resnet50"}),
        ("licences != BSD-3-Clause", {"fcn_resnet50", "vit b"}),
        ("is_buildable = false", {"fcn_resnet50"}),
        ("is_buildable != false AND name:*50", {"resnet50"}),
        ("create_time > 2026-01-31T13:00:00Z", {"vit b"}),
        ("create_time = 2026-01-31T13:00:00+01:00", {"resnet50"}),
    ],
)
def test_a_filter_keeps_what_matches_every_term(text, expected):
    assert set(names(text)) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour = red", "fields are name, task, size"),
        ("size : 1*", "= != < <= > >="),
        ("is_buildable < true", "= !="),
        ("size = big", "is a number"),
        ("size = nan", "is a number"),
        ("is_buildable = yes", "true or false"),
        ("create_time > yesterday", "is a time"),
        ("create_time > 2026-01-31T12:00:00", "is a time"),
        ("name", "expected `field op value`"),
        ("name = a OR name = b", "expected AND"),
        ("name = a AND", "expected"),
        ("name = a b", "expected AND"),
        ('name = "a', "expected"),
        ("(" * 500, "expected"),
        ("name = a" + " AND name = a" * 32, "more than 32 terms"),
        ("name = " + "a" * 2000, "longer than 1024"),
    ],
)
def test_a_filter_that_means_nothing_is_refused_with_what_is_known(text, says):
    with pytest.raises(InvalidRequest) as raised:
        names(text)

    assert raised.value.error_reason == "FILTER_INVALID"
    assert raised.value.violations[0].field == "filter"
    assert says in raised.value.message


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ("", ["fcn_resnet50", "resnet18", "resnet50", "vit b"]),
        ("size", ["vit b", "resnet18", "resnet50", "fcn_resnet50"]),
        ("size desc", ["fcn_resnet50", "resnet50", "resnet18", "vit b"]),
        ("task, size desc", ["resnet50", "resnet18", "vit b", "fcn_resnet50"]),
        (" task  desc ,name asc", ["fcn_resnet50", "resnet18", "resnet50", "vit b"]),
    ],
)
def test_an_order_sorts_by_each_field_in_turn_and_nothing_comes_first(order_by, expected):
    assert names(order_by=order_by) == expected


@pytest.mark.parametrize("order_by", ["colour", "size down", "size,,name", "licences", "-size"])
def test_an_order_that_means_nothing_is_refused_with_what_is_known(order_by):
    with pytest.raises(InvalidRequest, match="name, task, size") as raised:
        names(order_by=order_by)

    assert raised.value.error_reason == "ORDER_INVALID"


MANY = [Row(name=f"row-{i:04}", size=i % 7) for i in range(1200)]


def read_all(rows: list[Row], **query: str | int) -> list[str]:
    seen, token = [], ""
    while True:
        page = LISTING.page(rows, page_token=token, resource="rows", **query)
        seen += [row.name for row in page.items]
        token = page.next_page_token
        if not token:
            return seen


@settings(deadline=None)  # a busy machine is no failure
@given(
    order_by=st.sampled_from(["", "size", "size desc", "task desc, size, name desc"]),
    page_size=st.sampled_from([1, 7, 50, 119, 120, 121]),
)
def test_pages_together_are_the_whole_in_order(order_by, page_size):
    rows = MANY[:120]
    whole = LISTING.page(rows, order_by=order_by, page_size=1000, resource="rows")

    assert read_all(rows, order_by=order_by, page_size=page_size) == [r.name for r in whole.items]


@pytest.mark.parametrize(("wanted", "given"), [(0, 50), (10, 10), (1000, 1000), (5000, 1000)])
def test_page_sizes_are_bounded_and_the_total_counts_all_matches(wanted, given):
    page = LISTING.page(MANY, filter="size = 3 AND name != x", page_size=wanted, resource="rows")
    everything = LISTING.page(MANY, page_size=wanted, resource="rows")

    assert len(everything.items) == given
    assert everything.total_size == 1200
    assert page.total_size == 171


def test_a_negative_page_size_is_refused():
    with pytest.raises(InvalidRequest) as raised:
        LISTING.page(ROWS, page_size=-1, resource="rows")

    assert raised.value.violations[0].field == "page_size"


def test_what_is_added_or_removed_between_pages_makes_nothing_come_twice_or_get_lost():
    rows = MANY[:10]
    first = LISTING.page(rows, page_size=5, resource="rows")
    changed = [Row(name="row-0000a"), *rows[1:4], *rows[5:]]

    second = LISTING.page(changed, page_size=50, page_token=first.next_page_token, resource="rows")

    assert [row.name for row in second.items] == [row.name for row in rows[5:]]


def test_times_page_too():
    rows = [Row(name=str(i), create_time=NOON + timedelta(seconds=i / 3)) for i in range(9)]

    assert read_all(rows, order_by="create_time desc", page_size=2) == list("876543210")


@pytest.mark.parametrize(
    "changed",
    [
        {"filter": "size = 1"},
        {"order_by": "size"},
        {"resource": "others"},
        {"page_token": "nonsense"},
        {"page_token": "é"},
        {"page_token": "W10"},
        {"page_token": "x" * 10_000},
    ],
)
def test_a_token_is_good_only_for_the_call_it_came_from(changed):
    token = LISTING.page(MANY, resource="rows").next_page_token

    with pytest.raises(InvalidRequest) as raised:
        LISTING.page(MANY, **{"resource": "rows", "page_token": token, **changed})

    assert raised.value.error_reason == "PAGE_TOKEN_INVALID"


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(max_size=200))
def test_no_filter_text_is_a_bug(text):
    try:
        names(text)
    except InvalidRequest as error:
        assert error.error_reason == "FILTER_INVALID"


@pytest.mark.parametrize("digits", [309, 1000])
def test_a_number_beyond_every_double_is_refused_not_a_bug(digits: int) -> None:
    with pytest.raises(InvalidRequest, match="size is a number"):
        names(f"size < -{'9' * digits}")


PATTERNS = st.text(alphabet="ab*", max_size=12)


@settings(deadline=None)  # a busy machine is no failure
@given(pattern=PATTERNS, text=st.text(alphabet="ab", max_size=12))
def test_a_star_stands_for_any_letters_and_the_rest_for_itself(pattern: str, text: str) -> None:
    page = LISTING.page([Row(name=text)], filter=f'name:"{pattern}"', resource="rows")

    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None
    assert bool(page.items) is expected


def test_a_pattern_of_many_stars_does_not_occupy_the_server() -> None:
    """A regular expression of this form tries every way to place the stars: for years."""
    pattern = "*".join("a" * 40)

    page = LISTING.page([Row(name="a" * 2000)], filter=f'name:"{pattern}b"', resource="rows")

    assert page.items == ()
