"""INSERT that replaces what is there: SQLite and PostgreSQL spell it alike, SQLAlchemy does not."""

from collections.abc import Sequence

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite

from trainer_service.job_store.rows import Columns


def upsert(connection: sql.Connection, table: sql.Table, rows: Sequence[Columns]) -> None:
    """Write rows; one with the key of another replaces it."""
    if not rows:
        return
    is_sqlite = connection.dialect.name == "sqlite"
    insert = sqlite.insert(table) if is_sqlite else postgresql.insert(table)
    keys = [column.name for column in table.primary_key]
    others = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=others), rows)
