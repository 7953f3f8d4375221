"""The registry's tables, and bringing a database to this release's. The revisions tell how."""

from pathlib import Path

import sqlalchemy as sql
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from catalog_service.errors import InvalidRequest
from catalog_service.sql_engine import open_engine, writing
from catalog_service.sql_migration import hold_migration_lock, revisions_in, run_missing

FIRST_REVISION = "0001"
"""What a database holds that was made before there were migrations."""

MIGRATION_LOCK = 0x7665727465627261
"""Key of the lock under which one catalog migrates: `vertebra` in ASCII."""

METADATA = sql.MetaData()

CHECKPOINTS = sql.Table(
    "checkpoints",
    METADATA,
    sql.Column("checkpoint_id", sql.String, primary_key=True),
    sql.Column("architecture_id", sql.String, nullable=False),
    sql.Column("structure_of", sql.String, nullable=False),
    sql.Column("backbone_digest", sql.String, nullable=False),
    sql.Column("blob_digest", sql.String, nullable=False),
    sql.Column("blob_size_bytes", sql.BigInteger, nullable=False),
    sql.Column("details", sql.Text, nullable=False),
    sql.Column("create_time", sql.Float, nullable=False),
    sql.Column("delete_time", sql.Float),
    sql.Column("parent", sql.String, nullable=False, server_default=""),
    sql.Index("ix_checkpoints_parent", "parent"),
)

REQUESTS = sql.Table(
    "checkpoint_requests",
    METADATA,
    sql.Column("request_id", sql.String, primary_key=True),
    sql.Column("request_digest", sql.String, nullable=False),
    sql.Column("checkpoint_id", sql.ForeignKey(CHECKPOINTS.c.checkpoint_id), nullable=False),
)


class RegistryFromTheFuture(InvalidRequest):
    """The database was migrated by a later release."""

    reason = "REGISTRY_VERSION"


def open_database(url: str) -> sql.Engine:
    """Return an engine whose database has this release's tables.

    Raises:
        RegistryFromTheFuture: a later release has been here.
        sqlalchemy.exc.SQLAlchemyError: the database cannot be reached or used.
    """
    engine = open_engine(url)
    with writing(engine) as connection:
        _migrate(connection)
    return engine


def _migrate(connection: sql.Connection) -> None:
    """Run the revisions that are missing, one catalog at a time."""
    hold_migration_lock(connection, MIGRATION_LOCK)
    script = revisions_in(Path(__file__).with_name("migrations"))
    _mark_old_database(connection, script)
    try:
        run_missing(connection, script, METADATA)
    except CommandError as error:
        raise RegistryFromTheFuture(
            f"the registry's database was migrated by a later release ({error}); "
            f"this one reads up to revision {script.get_current_head()}: update the catalog, "
            "or name another database"
        ) from error


def _mark_old_database(connection: sql.Connection, script: ScriptDirectory) -> None:
    context = MigrationContext.configure(connection)
    if not context.get_current_heads() and sql.inspect(connection).has_table(CHECKPOINTS.name):
        context.stamp(script, FIRST_REVISION)
