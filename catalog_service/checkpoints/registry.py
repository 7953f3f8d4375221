"""The registry of checkpoints, in SQL. An entry is there completely or not at all.

A registration and the request that made it are one transaction, so a repeated request finds its
first answer whatever happened in between.
"""

import json
from typing import Any

import sqlalchemy as sql
from sqlalchemy import event

from catalog_service.checkpoints.checkpoint import (
    Checkpoint,
    CheckpointExists,
    CheckpointNotFound,
    RequestIdReused,
)
from catalog_service.errors import closest
from catalog_service.models.backbone_structure import BackboneStructure
from catalog_service.models.layout import LoadReport
from catalog_service.models.lineage import Lineage
from catalog_service.models.plain_json import from_plain, to_plain

BUSY_TIMEOUT_MS = 30_000
"""How long SQLite waits for another process that writes."""

_METADATA = sql.MetaData()

CHECKPOINTS = sql.Table(
    "checkpoints",
    _METADATA,
    sql.Column("checkpoint_id", sql.String, primary_key=True),
    sql.Column("architecture_id", sql.String, nullable=False),
    sql.Column("structure_of", sql.String, nullable=False),
    sql.Column("backbone_digest", sql.String, nullable=False),
    sql.Column("blob_digest", sql.String, nullable=False),
    sql.Column("blob_size_bytes", sql.BigInteger, nullable=False),
    sql.Column("details", sql.Text, nullable=False),
    sql.Column("create_time", sql.Float, nullable=False),
)

REQUESTS = sql.Table(
    "checkpoint_requests",
    _METADATA,
    sql.Column("request_id", sql.String, primary_key=True),
    sql.Column("request_digest", sql.String, nullable=False),
    sql.Column("checkpoint_id", sql.ForeignKey(CHECKPOINTS.c.checkpoint_id), nullable=False),
)


class Registry:
    """Checkpoints by id. Safe to use from many threads and processes.

    Args:
        url: SQLAlchemy's, such as `sqlite:////var/lib/vertebra/catalog.db`.
    """

    def __init__(self, url: str) -> None:
        self._engine = sql.create_engine(url)
        if self._engine.dialect.name == "sqlite":
            _prepare_sqlite(self._engine)
        with self._writing() as connection:
            _METADATA.create_all(connection)

    def get(self, name: str) -> Checkpoint:
        """Return the checkpoint of `checkpoints/letters` or `letters`.

        Raises:
            CheckpointNotFound: with the nearest names.
        """
        checkpoint_id = name.removeprefix("checkpoints/")
        with self._engine.begin() as connection:
            found = _find(connection, checkpoint_id)
            ids = [] if found else list(connection.scalars(sql.select(CHECKPOINTS.c.checkpoint_id)))
        if found is None:
            raise CheckpointNotFound(
                f"no checkpoint {checkpoint_id[:100]!r}; {closest(checkpoint_id, ids)}"
                f"ListCheckpoints returns all {len(ids)}",
                metadata={"checkpoint": checkpoint_id[:100]},
            )
        return found

    def all(self) -> tuple[Checkpoint, ...]:
        """Return every checkpoint, by id."""
        query = sql.select(CHECKPOINTS).order_by(CHECKPOINTS.c.checkpoint_id)
        with self._engine.begin() as connection:
            return tuple(_checkpoint(row) for row in connection.execute(query))

    def answered(self, request_id: str, request_digest: str) -> Checkpoint | None:
        """Return what a request id was answered with before, or None.

        Raises:
            RequestIdReused: it was used with another request.
        """
        with self._engine.begin() as connection:
            return _answered(connection, request_id, request_digest)

    def add(self, checkpoint: Checkpoint, request_id: str, request_digest: str) -> Checkpoint:
        """Register a checkpoint and note the request, both or none; return what is listed now.

        Raises:
            CheckpointExists: the id holds another backbone.
            RequestIdReused: the request id was used with another request.
        """
        with self._writing() as connection:
            answered = _answered(connection, request_id, request_digest)
            if answered is not None:
                return answered
            existing = _find(connection, checkpoint.checkpoint_id)
            if existing is None:
                connection.execute(CHECKPOINTS.insert().values(_row(checkpoint)))
            elif existing.backbone_digest != checkpoint.backbone_digest:
                raise _exists(existing, checkpoint)
            connection.execute(
                REQUESTS.insert().values(
                    request_id=request_id,
                    request_digest=request_digest,
                    checkpoint_id=checkpoint.checkpoint_id,
                )
            )
            return existing or checkpoint

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _writing(self) -> Any:
        return self._engine.execution_options(vertebra_writes=True).begin()


def _exists(existing: Checkpoint, wanted: Checkpoint) -> CheckpointExists:
    return CheckpointExists(
        f"{existing.name} holds {existing.backbone_digest[:19]}... of {existing.architecture_id}, "
        f"not {wanted.backbone_digest[:19]}... of {wanted.architecture_id}; "
        "it is never replaced: choose another id",
        metadata={
            "checkpoint": existing.checkpoint_id,
            "backbone_digest": existing.backbone_digest,
        },
    )


def _find(connection: sql.Connection, checkpoint_id: str) -> Checkpoint | None:
    query = sql.select(CHECKPOINTS).where(CHECKPOINTS.c.checkpoint_id == checkpoint_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _checkpoint(row)


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
    return _find(connection, row.checkpoint_id)


def _row(checkpoint: Checkpoint) -> dict[str, Any]:
    details = {
        "lineage": checkpoint.lineage.to_json(),
        "load_report": checkpoint.load_report.to_json(),
        "metrics": dict(checkpoint.metrics),
        "mean": list(checkpoint.mean),
        "std": list(checkpoint.std),
        "structure": to_plain(checkpoint.structure),
    }
    return {
        "checkpoint_id": checkpoint.checkpoint_id,
        "architecture_id": checkpoint.architecture_id,
        "structure_of": checkpoint.structure_of,
        "backbone_digest": checkpoint.backbone_digest,
        "blob_digest": checkpoint.blob_digest,
        "blob_size_bytes": checkpoint.blob_size_bytes,
        "details": json.dumps(details),
        "create_time": checkpoint.create_time,
    }


def _checkpoint(row: sql.Row[Any]) -> Checkpoint:
    columns = dict(row._mapping)
    details = json.loads(columns.pop("details"))
    return Checkpoint(
        **columns,
        lineage=Lineage.from_json(details["lineage"]),
        load_report=LoadReport.from_json(details["load_report"]),
        metrics=details["metrics"],
        mean=tuple(details["mean"]),
        std=tuple(details["std"]),
        structure=from_plain(BackboneStructure, details.get("structure", {})),
    )


def _prepare_sqlite(engine: sql.Engine) -> None:
    """Make a write take SQLite's lock when it begins: upgrading a read lock can only fail."""

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: sql.Connection) -> None:
        writes = connection.get_execution_options().get("vertebra_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
