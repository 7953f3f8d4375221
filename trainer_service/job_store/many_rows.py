"""Writing many rows: INSERTs of thousands, and those that replace what is there."""

from collections.abc import Sequence

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite

from trainer_service.job_store.rows import Columns


def insert_plain(connection: sql.Connection, table: sql.Table, rows: Sequence[Columns]) -> None:
    """Write rows of texts and numbers that are the database's own: nothing is converted, which
    takes half as long.
    """
    if rows:
        _execute_plain(connection, table.insert(), rows)


def upsert_plain(connection: sql.Connection, table: sql.Table, rows: Sequence[Columns]) -> None:
    """Write rows of texts and numbers; one with the key of another replaces it."""
    if rows:
        _execute_plain(connection, _replacing_insert(connection, table, rows[0]), rows)


def upsert(connection: sql.Connection, table: sql.Table, rows: Sequence[Columns]) -> None:
    """Write rows; one with the key of another replaces it."""
    if rows:
        connection.execute(_replacing_insert(connection, table, rows[0]), rows)


def _replacing_insert(
    connection: sql.Connection, table: sql.Table, row: Columns
) -> sqlite.Insert | postgresql.Insert:
    """Return what SQLite and PostgreSQL spell alike, and SQLAlchemy does not."""
    is_sqlite = connection.dialect.name == "sqlite"
    insert = sqlite.insert(table) if is_sqlite else postgresql.insert(table)
    keys = [column.name for column in table.primary_key]
    others = {name: insert.excluded[name] for name in row if name not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=others)


def _execute_plain(
    connection: sql.Connection, statement: sql.Insert, rows: Sequence[Columns]
) -> None:
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    places = compiled.positiontup
    parameters = [tuple(row[name] for name in places) for row in rows] if places else list(rows)
    connection.exec_driver_sql(str(compiled), parameters)
