"""Checkpoints can be deleted, and are found by their parent."""

import json

import sqlalchemy as sql
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add when a checkpoint was deleted, and its parent out of its lineage."""
    op.add_column("checkpoints", sql.Column("delete_time", sql.Float))
    op.add_column(
        "checkpoints", sql.Column("parent", sql.String, nullable=False, server_default="")
    )
    op.create_index("ix_checkpoints_parent", "checkpoints", ["parent"])
    _fill_parents(op.get_bind())


def _fill_parents(connection: sql.Connection) -> None:
    table = sql.table(
        "checkpoints", sql.column("checkpoint_id"), sql.column("details"), sql.column("parent")
    )
    for row in connection.execute(sql.select(table.c.checkpoint_id, table.c.details)).all():
        parent = json.loads(row.details)["lineage"].get("parent", "")
        update = table.update().where(table.c.checkpoint_id == row.checkpoint_id)
        connection.execute(update.values(parent=parent))
