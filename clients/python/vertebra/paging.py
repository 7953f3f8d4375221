"""Walks through the pages of a list call."""

from collections.abc import Iterator
from typing import Any

from vertebra.client_errors import AnswerRefused
from vertebra.connection import Connection, Method

PAGE_SIZE = 200


def items_of_pages(
    connection: Connection, method: Method, request: Any, field: str
) -> Iterator[Any]:
    """Yield the items in `field` of every page; the next page is asked for when it is needed.

    Raises:
        RpcFailed: the service refused the filter, the order or the token.
        AnswerRefused: a page token came twice, so the list would never end.
    """
    request.page_size = PAGE_SIZE
    seen: set[str] = set()
    while True:
        page = connection.call(method, request)
        yield from getattr(page, field)
        token = page.next_page_token
        if not token:
            return
        if token in seen:
            raise AnswerRefused(f"{connection.address} gave the same page token twice")
        seen.add(token)
        request.page_token = token
