"""Bringing a database to this release's tables: a folder of alembic revisions tells how."""

from pathlib import Path

import sqlalchemy as sql
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory


def hold_migration_lock(connection: sql.Connection, key: int) -> None:
    """Wait until no other process migrates under the key; held until the transaction ends."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(key)))


def revisions_in(folder: Path) -> ScriptDirectory:
    """Return the revisions that a folder holds."""
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def run_missing(
    connection: sql.Connection, script: ScriptDirectory, metadata: sql.MetaData
) -> None:
    """Run the revisions that a database does not have yet.

    Raises:
        alembic.util.CommandError: it has one that is not in the folder.
    """

    def missing(revision: str, context: MigrationContext) -> list[RevisionStep]:
        return script._upgrade_revs("head", revision)  # as alembic.command.upgrade does

    with EnvironmentContext(Config(), script, fn=missing) as environment:
        environment.configure(connection=connection, target_metadata=metadata)
        environment.run_migrations()
