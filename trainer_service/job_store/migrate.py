"""Bringing a database to this release's tables. The revisions tell how."""

import uuid
from pathlib import Path

import sqlalchemy as sql
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from catalog_service.sql_migration import hold_migration_lock, revisions_in, run_missing
from trainer_service.errors import StoreVersionUnknown
from trainer_service.job_store.schema import LOGS, METADATA

MIGRATION_LOCK = 0x747261696E657231
"""Key of the lock under which one trainer migrates: `trainer1` in ASCII."""


def migrate(connection: sql.Connection) -> str:
    """Run the revisions that are missing, one trainer at a time; return the database's log id.

    Raises:
        StoreVersionUnknown: another release than this and the one before it has been here.
    """
    hold_migration_lock(connection, MIGRATION_LOCK)
    script = revisions_in(Path(__file__).with_name("migrations"))
    try:
        run_missing(connection, script, METADATA)
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
