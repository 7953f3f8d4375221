"""Request ids: the same request twice gives the first answer, and changes nothing."""

import time

import sqlalchemy as sql

from trainer_service.errors import RequestIdReused
from trainer_service.job_store.schema import REQUESTS


def recall(
    connection: sql.Connection, method: str, request_id: str, request_hash: str
) -> str | None:
    """Return the id of the job that this request was about, None if it is new.

    Raises:
        RequestIdReused: the id came with another request.
    """
    query = sql.select(REQUESTS.c.request_hash, REQUESTS.c.job_id).where(
        REQUESTS.c.method == method, REQUESTS.c.request_id == request_id
    )
    known = connection.execute(query).one_or_none()
    if known is None:
        return None
    if known.request_hash != request_hash:
        raise RequestIdReused(
            f"request id {request_id} was used with another request, about job {known.job_id}; "
            "choose a new UUID for a new request"
        )
    return str(known.job_id)


def remember(
    connection: sql.Connection, method: str, request_id: str, request_hash: str, job_id: str
) -> None:
    """Keep a request in the same transaction as what it did."""
    connection.execute(
        REQUESTS.insert().values(
            method=method,
            request_id=request_id,
            request_hash=request_hash,
            job_id=job_id,
            create_time=time.time(),
        )
    )
