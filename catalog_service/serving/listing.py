"""Filter, order and page, the same for every List call. Pure: items in, one page out.

A page token holds where the last page ended, not a count, so what is added or removed meanwhile
makes no item come twice or get lost. It holds no secret and gives no right.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cmp_to_key
from typing import Any, Generic, TypeVar

from catalog_service.errors import InvalidRequest, Violation
from catalog_service.serving.filter_expression import Field, Kind, Value, parse_filter

__all__ = ["Field", "Listing", "Page"]

T = TypeVar("T")

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000
MAX_TOKEN_CHARS = 8192

SortKey = tuple[Any, ...]
"""One value for each ordered field: None, a text, a number or a boolean."""

_ORDER = re.compile(r"(?P<field>[A-Za-z_][A-Za-z0-9_]*)(?:\s+(?P<direction>asc|desc))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some items, where to go on, and how many match in all."""

    items: tuple[T, ...]
    next_page_token: str
    total_size: int


@dataclass(frozen=True, slots=True)
class _Order(Generic[T]):
    """Fields with their directions: 1 upwards, -1 downwards."""

    terms: tuple[tuple[Field[T], int], ...]

    def key(self, item: T) -> SortKey:
        return tuple(_plain(field.get(item)) for field, _ in self.terms)

    def compare(self, one: SortKey, other: SortKey) -> int:
        for (_, direction), a, b in zip(self.terms, one, other, strict=True):
            if a != b:
                return direction if _is_after(a, b) else -direction
        return 0


class Listing(Generic[T]):
    """What can be listed of one kind of item.

    Args:
        fields: what callers may filter and order by; the first one is unique to each item.
        default_order: an `order_by` for callers that give none.
    """

    def __init__(self, fields: Sequence[Field[T]], default_order: str) -> None:
        self._fields = {field.name: field for field in fields}
        self._identity = fields[0]
        self._default_order = default_order

    def page(
        self,
        items: Iterable[T],
        *,
        filter: str = "",  # noqa: A002  # the word of the contract
        order_by: str = "",
        page_size: int = 0,
        page_token: str = "",
        resource: str,
    ) -> Page[T]:
        """Return one page of the items that match.

        Args:
            page_size: 0 means 50; more than 1000 is taken as 1000.
            page_token: `next_page_token` of the page before, for the same filter and order.
            resource: what is listed, such as `architectures`; a token of another list is refused.

        Raises:
            InvalidRequest: FILTER_INVALID, ORDER_INVALID, PAGE_TOKEN_INVALID or FIELD_INVALID.
        """
        size = page_size_of(page_size)
        is_match = parse_filter(filter, self._fields)
        order = self._order(order_by)
        query = query_hash(resource, filter, order_by)
        ranked = [(order.key(item), item) for item in items if is_match(item)]
        by_key = cmp_to_key(order.compare)
        ranked.sort(key=lambda row: by_key(row[0]))
        rest = _rest(ranked, order, page_token, query)
        has_more = len(rest) > size
        return Page(
            items=tuple(item for _, item in rest[:size]),
            next_page_token=page_token_of(query, rest[size - 1][0]) if has_more else "",
            total_size=len(ranked),
        )

    def matching(self, items: Iterable[T], filter: str) -> list[T]:  # noqa: A002
        """Return all items that match. Raises InvalidRequest: FILTER_INVALID."""
        is_match = parse_filter(filter, self._fields)
        return [item for item in items if is_match(item)]

    def _order(self, text: str) -> _Order[T]:
        kinds = {name: field.kind for name, field in self._fields.items()}
        terms = parse_order(text.strip() or self._default_order, kinds)
        found = [(self._fields[name], direction) for name, direction in terms]
        if self._identity not in (field for field, _ in found):
            found.append((self._identity, 1))
        return _Order(tuple(found))


def parse_order(text: str, kinds: Mapping[str, Kind]) -> list[tuple[str, int]]:
    """Return fields with their directions: 1 upwards, -1 downwards.

    Raises:
        InvalidRequest: ORDER_INVALID; the message lists what is known.
    """
    terms = []
    for part in (part.strip() for part in text.split(",")):
        found = _ORDER.fullmatch(part)
        kind = kinds.get(found["field"]) if found else None
        if found is None or kind is None or kind == "texts":
            known = ", ".join(name for name, kind in kinds.items() if kind != "texts")
            raise _bad(
                "order_by",
                "ORDER_INVALID",
                f"no order {part[:100]!r}; write `field` or `field desc` with {known}",
            )
        terms.append((found["field"], -1 if found["direction"] == "desc" else 1))
    return terms


def page_size_of(wanted: int) -> int:
    """Return how many items a page has. Raises InvalidRequest: FIELD_INVALID."""
    if wanted < 0:
        raise _bad("page_size", "FIELD_INVALID", f"cannot be negative, such as {wanted}")
    return min(wanted, MAX_PAGE_SIZE) or DEFAULT_PAGE_SIZE


def _plain(value: Value) -> Any:
    return value.timestamp() if isinstance(value, datetime) else value


def _is_after(one: Any, other: Any) -> bool:
    """Nothing comes before something."""
    if one is None or other is None:
        return one is not None
    return bool(one > other)


def _rest(
    ranked: list[tuple[SortKey, T]], order: _Order[T], token: str, query: str
) -> list[tuple[SortKey, T]]:
    if not token:
        return ranked
    last = last_key(token, query, len(order.terms))
    try:
        return [row for row in ranked if order.compare(row[0], last) > 0]
    except TypeError as error:
        raise bad_token() from error


def query_hash(resource: str, filter_text: str, order_by: str) -> str:
    """Return what ties a page token to one filter and order of one list."""
    query = json.dumps([resource, filter_text.strip(), order_by.strip()])
    return hashlib.sha256(query.encode()).hexdigest()[:16]


def page_token_of(query: str, last: SortKey) -> str:
    """Return the token of the page after the item with this key."""
    return base64.urlsafe_b64encode(json.dumps([query, *last]).encode()).decode().rstrip("=")


def last_key(token: str, query: str, num_terms: int) -> SortKey:
    """Return where the page before ended.

    Raises:
        InvalidRequest: PAGE_TOKEN_INVALID.
    """
    if len(token) > MAX_TOKEN_CHARS:
        raise bad_token()
    try:
        padded = token + "=" * (-len(token) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError) as error:
        raise bad_token() from error
    if not isinstance(content, list) or len(content) != 1 + num_terms or content[0] != query:
        raise bad_token()
    return tuple(content[1:])


def bad_token() -> InvalidRequest:
    """Return the error for a token that this list did not give."""
    return _bad(
        "page_token",
        "PAGE_TOKEN_INVALID",
        "not a next_page_token of this call with this filter and order; start without one",
    )


def _bad(field: str, reason: str, description: str) -> InvalidRequest:
    return InvalidRequest(
        f"{field}: {description}",
        reason=reason,
        violations=[Violation(field=field, description=description)],
    )
