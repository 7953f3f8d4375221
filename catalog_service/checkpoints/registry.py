"""The registry of checkpoints, in SQL. An entry is there completely or not at all.

A change and the request that asked for it are one transaction, so a repeated request finds its
first answer whatever happened in between. A deleted entry keeps its row: its name stays taken for
its bytes, and repeated requests are answered.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sql
from sqlalchemy.exc import IntegrityError

from catalog_service.checkpoints.checkpoint import (
    Checkpoint,
    CheckpointExists,
    CheckpointNotFound,
    CheckpointReferenced,
    RequestIdReused,
    contradictions,
)
from catalog_service.checkpoints.rows import checkpoint_of, row_of
from catalog_service.checkpoints.schema import CHECKPOINTS, REQUESTS, open_database
from catalog_service.errors import closest, listed
from catalog_service.sql_engine import writing

LISTED = CHECKPOINTS.c.delete_time.is_(None)

T = TypeVar("T")


class Registry:
    """Checkpoints by id. Safe to use from many threads and processes.

    Args:
        url: SQLAlchemy's, such as `sqlite:////var/lib/vertebra/catalog.db` or
            `postgresql+psycopg://catalog@db/vertebra`.

    Raises:
        RegistryFromTheFuture: a later release has migrated the database.
    """

    def __init__(self, url: str) -> None:
        self._engine = open_database(url)

    def get(self, name: str) -> Checkpoint:
        """Return the checkpoint of `checkpoints/letters` or `letters`.

        Raises:
            CheckpointNotFound: with the nearest names.
        """
        checkpoint_id = name.removeprefix("checkpoints/")
        with self._engine.begin() as connection:
            found = _find(connection, checkpoint_id)
            if found is None:
                raise _not_found(connection, checkpoint_id)
        return found

    def ever(self, name: str) -> Checkpoint | None:
        """Return what has or had a name, deleted or not; None where nothing did."""
        with self._engine.begin() as connection:
            return _find(connection, name.removeprefix("checkpoints/"), also_deleted=True)

    def all(self) -> tuple[Checkpoint, ...]:
        """Return every checkpoint, by id."""
        query = sql.select(CHECKPOINTS).where(LISTED).order_by(CHECKPOINTS.c.checkpoint_id)
        with self._engine.begin() as connection:
            return tuple(checkpoint_of(row) for row in connection.execute(query))

    def children(self, name: str) -> tuple[str, ...]:
        """Return the names of the checkpoints whose lineage says that they started from `name`."""
        with self._engine.begin() as connection:
            return _children(connection, name.removeprefix("checkpoints/"))

    def answered(self, request_id: str, request_digest: str) -> Checkpoint | None:
        """Return what a request id was answered with before, or None.

        Raises:
            RequestIdReused: it was used with another request.
        """
        with self._engine.begin() as connection:
            return _answered(connection, request_id, request_digest)

    def add(
        self,
        checkpoint: Checkpoint,
        request_id: str,
        request_digest: str,
        *,
        completes: Checkpoint | None = None,
    ) -> Checkpoint:
        """Register a checkpoint and note the request, both or none; return what is listed now.

        An entry without bytes gets them, and a deleted one comes back with the same ones.

        Args:
            completes: the entry that the bytes were fetched for; it must still be listed.

        Raises:
            CheckpointExists: the id holds, or held, another backbone, or names another file.
            CheckpointNotFound: `completes` was deleted or replaced meanwhile.
            RequestIdReused: the request id was used with another request.
        """

        def work(connection: sql.Connection) -> Checkpoint:
            answered = _answered(connection, request_id, request_digest)
            if answered is not None:
                return answered
            if completes is not None:
                _check_listed(connection, completes)
            now = _list(connection, checkpoint)
            _note(connection, request_id, request_digest, checkpoint.checkpoint_id)
            return now

        return self._change(work)

    def delete(self, name: str, request_id: str, request_digest: str, *, force: bool) -> Checkpoint:
        """Take a checkpoint off the list and note the request; return it as it was.

        Raises:
            CheckpointNotFound: with the nearest names.
            CheckpointReferenced: others name it as their parent, and `force` is not set.
            RequestIdReused: the request id was used with another request.
        """
        checkpoint_id = name.removeprefix("checkpoints/")

        def work(connection: sql.Connection) -> Checkpoint:
            answered = _answered(connection, request_id, request_digest)
            if answered is not None:
                return answered
            found = _find(connection, checkpoint_id)
            if found is None:
                raise _not_found(connection, checkpoint_id)
            children = _children(connection, checkpoint_id)
            if children and not force:
                raise _referenced(found, children)
            own = CHECKPOINTS.c.checkpoint_id == checkpoint_id
            connection.execute(CHECKPOINTS.update().where(own).values(delete_time=time.time()))
            _note(connection, request_id, request_digest, checkpoint_id)
            return found

        return self._change(work)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _change(self, work: Callable[[sql.Connection], T]) -> T:
        """Return what `work` returns, in one transaction.

        Where another catalog made the same row at the same moment, the second try finds it.
        """
        try:
            with writing(self._engine) as connection:
                return work(connection)
        except IntegrityError:
            with writing(self._engine) as connection:
                return work(connection)


def _list(connection: sql.Connection, checkpoint: Checkpoint) -> Checkpoint:
    """List a checkpoint, and return what is listed under its id."""
    existing = _find(connection, checkpoint.checkpoint_id, also_deleted=True)
    if existing is None:
        connection.execute(CHECKPOINTS.insert().values(row_of(checkpoint)))
        return checkpoint
    is_other = existing.backbone_digest != checkpoint.backbone_digest
    if existing.has_bytes and checkpoint.has_bytes and is_other:
        raise _exists(existing, checkpoint)
    is_listed = _find(connection, checkpoint.checkpoint_id) is not None
    if is_listed and checkpoint.has_bytes and _names_other_file(existing, checkpoint):
        raise _exists(existing, checkpoint)
    if is_listed and (existing.has_bytes or not checkpoint.has_bytes):
        _check_same_told(existing, checkpoint)
        return existing
    if existing.has_bytes and not checkpoint.has_bytes:
        raise _exists(existing, checkpoint)
    own = CHECKPOINTS.c.checkpoint_id == checkpoint.checkpoint_id
    connection.execute(CHECKPOINTS.update().where(own).values(row_of(checkpoint)))
    return checkpoint


def _check_same_told(existing: Checkpoint, wanted: Checkpoint) -> None:
    """Raises CheckpointExists where something is told that the entry says otherwise, or not."""
    told = contradictions(existing, wanted)
    if told:
        raise CheckpointExists(
            f"{existing.name} holds the same bytes, and says otherwise of {listed(told)}; an entry "
            "is never changed: leave that out, choose another id, or delete it first",
            metadata={"checkpoint": existing.checkpoint_id, "fields": " ".join(told)},
        )


def _check_listed(connection: sql.Connection, entry: Checkpoint) -> None:
    """Raises CheckpointNotFound for an entry that is not what it was, beside having bytes now."""
    now = _find(connection, entry.checkpoint_id)
    if now is None or not (now.has_bytes or now == entry):
        raise _not_found(connection, entry.checkpoint_id)


def _names_other_file(existing: Checkpoint, checkpoint: Checkpoint) -> bool:
    """Return whether an entry without bytes says that its file is another one."""
    wanted, given = existing.lineage.source_digest, checkpoint.lineage.source_digest
    return not existing.has_bytes and wanted not in {"", given}


def _exists(existing: Checkpoint, wanted: Checkpoint) -> CheckpointExists:
    given = (
        f"{wanted.backbone_digest[:19]}... of {wanted.architecture_id}"
        if wanted.has_bytes
        else "an entry without bytes"
    )
    held = (
        f"holds {existing.backbone_digest[:19]}... of {existing.architecture_id}, not {given}"
        if existing.has_bytes
        else f"is of the file {existing.lineage.source_digest}, not {wanted.lineage.source_digest}"
    )
    return CheckpointExists(
        f"{existing.name} {held}; it is never replaced: choose another id",
        metadata={
            "checkpoint": existing.checkpoint_id,
            "backbone_digest": existing.backbone_digest,
        },
    )


def _referenced(found: Checkpoint, children: tuple[str, ...]) -> CheckpointReferenced:
    return CheckpointReferenced(
        f"{found.name} is the parent of {listed(children)}; "
        "delete them first, or delete it with `force`: their lineage keeps its name and digest",
        metadata={"checkpoint": found.checkpoint_id, "num_children": str(len(children))},
    )


def _not_found(connection: sql.Connection, checkpoint_id: str) -> CheckpointNotFound:
    ids = list(connection.scalars(sql.select(CHECKPOINTS.c.checkpoint_id).where(LISTED)))
    return CheckpointNotFound(
        f"no checkpoint {checkpoint_id[:100]!r}; {closest(checkpoint_id, ids)}"
        f"ListCheckpoints returns all {len(ids)}",
        metadata={"checkpoint": checkpoint_id[:100]},
    )


def _find(
    connection: sql.Connection, checkpoint_id: str, *, also_deleted: bool = False
) -> Checkpoint | None:
    query = sql.select(CHECKPOINTS).where(CHECKPOINTS.c.checkpoint_id == checkpoint_id)
    row = connection.execute(query if also_deleted else query.where(LISTED)).one_or_none()
    return None if row is None else checkpoint_of(row)


def _children(connection: sql.Connection, checkpoint_id: str) -> tuple[str, ...]:
    names = (f"checkpoints/{checkpoint_id}", checkpoint_id)
    query = sql.select(CHECKPOINTS.c.checkpoint_id).where(
        LISTED, CHECKPOINTS.c.parent.in_(names), CHECKPOINTS.c.checkpoint_id != checkpoint_id
    )
    found = connection.scalars(query.order_by(CHECKPOINTS.c.checkpoint_id))
    return tuple(f"checkpoints/{each}" for each in found)


def _answered(
    connection: sql.Connection, request_id: str, request_digest: str
) -> Checkpoint | None:
    query = sql.select(REQUESTS).where(REQUESTS.c.request_id == request_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.request_digest != request_digest:
        raise RequestIdReused(
            f"request_id {request_id!r} was used with another request; choose a new UUID",
            metadata={"request_id": request_id},
        )
    return _find(connection, row.checkpoint_id, also_deleted=True)


def _note(
    connection: sql.Connection, request_id: str, request_digest: str, checkpoint_id: str
) -> None:
    connection.execute(
        REQUESTS.insert().values(
            request_id=request_id, request_digest=request_digest, checkpoint_id=checkpoint_id
        )
    )
