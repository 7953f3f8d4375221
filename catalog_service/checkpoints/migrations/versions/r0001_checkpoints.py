"""Checkpoints, and the requests that made them."""

import sqlalchemy as sql
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "checkpoints",
        sql.Column("checkpoint_id", sql.String, primary_key=True),
        sql.Column("architecture_id", sql.String, nullable=False),
        sql.Column("structure_of", sql.String, nullable=False),
        sql.Column("backbone_digest", sql.String, nullable=False),
        sql.Column("blob_digest", sql.String, nullable=False),
        sql.Column("blob_size_bytes", sql.BigInteger, nullable=False),
        sql.Column("details", sql.Text, nullable=False),
        sql.Column("create_time", sql.Float, nullable=False),
    )
    op.create_table(
        "checkpoint_requests",
        sql.Column("request_id", sql.String, primary_key=True),
        sql.Column("request_digest", sql.String, nullable=False),
        sql.Column(
            "checkpoint_id",
            sql.String,
            sql.ForeignKey("checkpoints.checkpoint_id"),
            nullable=False,
        ),
    )
