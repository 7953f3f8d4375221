"""Bringing a database to this release's tables. The revisions tell how."""

import uuid
from pathlib import Path

import sqlalchemy as sql
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from trainer_service.errors import StoreVersionUnknown
from trainer_service.job_store.schema import LOGS, METADATA

MIGRATION_LOCK = 0x747261696E657231
"""Key of the lock under which one trainer migrates: `trainer1` in ASCII."""


def migrate(connection: sql.Connection) -> str:
    """Run the revisions that are missing, one trainer at a time; return the database's log id.

    Raises:
        StoreVersionUnknown: another release than this and the one before it has been here.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)

    def missing(revision: str, context: MigrationContext) -> list[RevisionStep]:
        return script._upgrade_revs("head", revision)  # as alembic.command.upgrade does

    with EnvironmentContext(config, script, fn=missing) as environment:
        environment.configure(connection=connection, target_metadata=METADATA)
        try:
            environment.run_migrations()
        except CommandError as error:
            raise _unknown(connection, script) from error
    return _log_id(connection)


def _unknown(connection: sql.Connection, script: ScriptDirectory) -> StoreVersionUnknown:
    version = MigrationContext.configure(connection).get_current_heads()
    known = sorted(revision.revision for revision in script.walk_revisions())
    return StoreVersionUnknown(
        f"the job database has schema {', '.join(version)!r}; this release reads"
        f" {known[-1]!r} and migrates from {', '.join(known[:-1])}: move it away, update the"
        " trainer, or name another database"
    )


def _log_id(connection: sql.Connection) -> str:
    """Return which log this is; a database that has just been made becomes a new one."""
    known = connection.execute(sql.select(LOGS.c.log_id)).scalar()
    if known is not None:
        return str(known)
    log_id = uuid.uuid4().hex
    connection.execute(LOGS.insert().values(log_id=log_id))
    return log_id
